"""One look for all figures: a colour and a marker per model, panels, and files whose bytes do not change."""

from collections.abc import Iterable
from io import BytesIO
from pathlib import Path
from statistics import fmean
from typing import NamedTuple

import matplotlib.style
from matplotlib.axes import Axes
from matplotlib.colors import to_hex, to_rgb
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from workflow.reporting import layout as layouts
from workflow.reporting.files import write_bytes
from workflow.reporting.results import Results

STYLE = Path(__file__).resolve().parents[3] / "paper" / "style.mplstyle"
COLUMN, PAGE, TALLEST = 3.4, 7.0, 8.4  # inches: the printed widths, and the height of all panels
NAME = {"fontsize": 6, "color": "#444444"}  # of a line, at its end
LINE_HEIGHT = 7.5  # points from one such name to the next
BESIDE = 0.15  # two marks in one row lie so far above and below its middle, so that their error bars stay apart
LINES = {"chance": ":", "nearest_neighbour": "--"}
SPARE = ("#CC79A7", "#882255", "#44AA99", "#999933")  # for models that the layout does not know
SPARE_MARKERS = ("P", "X", "<", ">")


class Drawing(NamedTuple):
    """A figure and the sentence printed below it."""

    figure: Figure
    caption: str
    empty: bool = False  # there was nothing to draw; the caption says why


def in_style():
    """Context in which figures are drawn and saved; starts from matplotlib's defaults, not the user's."""
    return matplotlib.style.context(["default", str(STYLE)])


def colour(layout: dict, model: str) -> str:
    """The model's colour; a variant has its model's, lightened."""
    base = layouts.base_model(layout, model)
    if base is None:
        return SPARE[_spare(model)]
    own = layout["models"][base]["colour"]
    if model == base:
        return own
    return to_hex([0.45 + 0.55 * channel for channel in to_rgb(own)])


def marker(layout: dict, model: str) -> str:
    """The model's marker, shared by its variants."""
    base = layouts.base_model(layout, model)
    return layout["models"][base].get("marker", "o") if base else SPARE_MARKERS[_spare(model)]


def marker_size(layout: dict, model: str) -> float:
    """Points; a star looks smaller than a square of the same size."""
    return 7.0 if marker(layout, model) == "*" else 4.5


def dashes(layout: dict, model: str) -> str:
    """Solid for a model, dashed for a variant: colour alone never tells two lines apart."""
    return "-" if layouts.base_model(layout, model) in (model, None) else "--"


def _spare(model: str) -> int:
    return sum(model.encode()) % len(SPARE)


def panels(
    rows: int, columns: int, width: float = PAGE, height: float = 2.1, **options
) -> tuple[Figure, list[list[Axes]]]:
    """A figure of rows x columns panels of `height` inches each, less where they would not fit on a page."""
    height = min(height, TALLEST / rows)
    figure = Figure(figsize=(width, 0.45 + height * rows), layout="constrained")
    axes = figure.subplots(rows, columns, squeeze=False, **options)
    return figure, [list(row) for row in axes]


def grid(count: int, height: float, **options) -> tuple[Figure, list[Axes]]:
    """A figure with `count` panels: one column wide for one, else two panels a row; unused places stay empty."""
    columns = min(2, count)
    figure, axes = panels(-(-count // 2), columns, COLUMN if columns == 1 else PAGE, height, **options)
    flat = [panel for row in axes for panel in row]
    for panel in flat[count:]:
        panel.set_axis_off()
    return figure, flat[:count]


def settings(results: Results) -> list[tuple[str, str]]:
    """(dataset, front_end) pairs that have good records, in the order of tables."""
    have = set(results.successful_records[["dataset", "front_end"]].itertuples(index=False, name=None))
    pairs = results.experiments[["dataset", "front_end"]].drop_duplicates().itertuples(index=False, name=None)
    return [pair for pair in pairs if pair in have]


def protocols(results: Results) -> list[str]:
    """Protocols that have good records, in the order of tables."""
    have = set(results.successful_records["protocol"])
    return [name for name in results.experiments["protocol"].drop_duplicates() if name in have]


def models(results: Results, dataset: str, front_end: str, protocol: str | None = None) -> list[str]:
    """Models with good records there, in the order of tables."""
    rows = results.successful_records[
        (results.successful_records["dataset"] == dataset) & (results.successful_records["front_end"] == front_end)
    ]
    if protocol is not None:
        rows = rows[rows["protocol"] == protocol]
    have = set(rows["model"])
    return [name for name in results.experiments["model"].drop_duplicates() if name in have]


def runs_text(counts: Iterable[int]) -> str:
    """How many runs a panel rests on: n = 10, or n = 3-10 where models differ."""
    counts = sorted(set(counts))
    if not counts:
        return "n = 0"
    return f"n = {counts[0]}" if len(counts) == 1 else f"n = {counts[0]}–{counts[-1]}"


def legend(figure: Figure, layout: dict, names: Iterable[str], kind: str, extra: Iterable[Line2D] = ()) -> None:
    """One legend below all panels: the models as they are drawn (`kind` line or marker), then `extra` handles."""
    handles = []
    for name in names:
        look = {"color": colour(layout, name), "label": layouts.model_label(layout, name)}
        look |= {"linestyle": dashes(layout, name)} if kind == "line" else {"linestyle": ""}
        if kind == "marker":
            look |= {"marker": marker(layout, name), "markersize": marker_size(layout, name)}
        handles.append(Line2D([], [], **look))
    handles += list(extra)
    lengths = [len(handle.get_label()) for handle in handles]
    typical = (max(lengths) + sum(lengths) / len(lengths)) / 2
    columns = max(1, int(figure.get_figwidth() / (0.45 + 0.055 * typical)))
    figure.legend(handles=handles, loc="outside lower center", ncols=min(columns, len(handles)))


def reference_lines(figure: Figure, layout: dict, heights: dict[Axes, dict[str, float]]) -> None:
    """Horizontal lines for baselines that have no other place in a panel (panel -> model -> height), each named beyond
    its right end, where the name hides nothing. All else must be drawn: names of close lines are set apart in print.
    """
    for panel, lines in heights.items():
        for model, height in lines.items():
            look = LINES.get(layouts.base_model(layout, model), "-.")
            panel.axhline(height, color=colour(layout, model), linestyle=look, linewidth=0.9, zorder=1)
    figure.draw_without_rendering()  # panels have their heights from here on
    points = figure.dpi / 72
    for panel, lines in heights.items():
        ranked = sorted(lines, key=lambda model: (lines[model], model))
        ends = [panel.transData.transform((1, lines[model]))[1] / points for model in ranked]
        for model, end, place in zip(ranked, ends, spread(ends, LINE_HEIGHT), strict=True):
            text, at = layouts.model_label(layout, model).lower(), ("axes fraction", "data")
            beyond = {"xytext": (3, place - end), "textcoords": "offset points", "va": "center_baseline"}
            panel.annotate(text, (1, lines[model]), xycoords=at, annotation_clip=False, **beyond, **NAME)


def spread(places: list[float], least: float) -> list[float]:
    """Ascending `places`, moved as little as needed for `least` between neighbours (isotonic regression)."""
    blocks: list[list[float]] = []
    for rank, place in enumerate(places):
        blocks.append([place - rank * least])
        while len(blocks) > 1 and fmean(blocks[-2]) > fmean(blocks[-1]):
            blocks[-2:] = [blocks[-2] + blocks[-1]]
    levels = [fmean(block) for block in blocks for _ in block]
    return [level + rank * least for rank, level in enumerate(levels)]


def nothing(text: str) -> Drawing:
    """A figure that says why it is empty; its file is there so that whatever includes it goes on."""
    figure, [[axes]] = panels(1, 1, COLUMN, 1.0)
    axes.set_axis_off()
    axes.text(0.5, 0.5, text, ha="center", va="center", color="#555555", wrap=True)
    return Drawing(figure, text, empty=True)


def save(drawing: Drawing, stem: Path, comments: list[str]) -> None:
    """Write stem.pdf and stem.png; equal figures give equal bytes; both say where they come from."""
    write_bytes(stem.with_suffix(".pdf"), pdf(drawing, stem.name, comments))
    write_bytes(stem.with_suffix(".png"), png(drawing, stem.name, comments))


def pdf(drawing: Drawing, title: str, comments: list[str]) -> bytes:
    """The figure as PDF, without a date."""
    origin = {"Title": title, "Subject": "; ".join(comments)}
    return _saved(drawing, "pdf", {"CreationDate": None, "Creator": None, "Producer": None, **origin})


def png(drawing: Drawing, title: str, comments: list[str]) -> bytes:
    """The figure as PNG."""
    return _saved(drawing, "png", {"Software": None, "Title": title, "Description": "; ".join(comments)})


def _saved(drawing: Drawing, kind: str, metadata: dict) -> bytes:
    if drawing.figure.get_layout_engine() is not None:  # lay it out once for both files
        drawing.figure.draw_without_rendering()
        drawing.figure.set_layout_engine("none")
    buffer = BytesIO()
    drawing.figure.savefig(buffer, format=kind, metadata=metadata)
    return buffer.getvalue()
