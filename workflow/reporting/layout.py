"""paper/layout.yaml: names, colours, columns, order and precision of what is printed."""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, Literal

from matplotlib.colors import to_rgb
from matplotlib.markers import MarkerStyle
from pydantic import AfterValidator, Field

from workflow.datasets.catalogue import CATALOGUE
from workflow.datasets.front_ends import FRONT_ENDS
from workflow.datasets.protocols import PROTOCOLS
from workflow.experiments.configuration import merged
from workflow.experiments.record import Recipe
from workflow.storage.fields import DISTINCT, Checked, Positive, Share, Whole, one_of
from workflow.storage.yaml_file import read

FILE = Path(__file__).resolve().parents[2] / "paper" / "layout.yaml"
TABLES = [file.stem for file in Path(__file__).parent.glob("tables/[!_]*.py")]


def known(kind: str, draw: Callable[[str], object]) -> AfterValidator:
    """Return a check of a name that `draw` of matplotlib must accept. kind: its noun in the message."""

    def check(name: str) -> str:
        try:
            draw(name)
        except ValueError:
            raise ValueError(f"{name!r} is not a {kind} that matplotlib knows") from None
        return name

    return AfterValidator(check)


class Look(Checked):
    """How a family of models is shown."""

    label: str
    colour: Annotated[str, known("colour", to_rgb)]
    kind: Literal["baseline", "dense", "compressed", "alternative", "fdht", "gru"]
    marker: Annotated[str, known("marker", MarkerStyle)] = "o"


class PartLayout(Checked):
    """How a table is printed, or one part of it. None: as its file in tables/ has it."""

    columns: list[str] | None = None
    rows: dict[str, Annotated[list[str | int], *DISTINCT]] | None = None
    digits: dict[str, Whole] | None = None
    headings: dict[str, str] | None = None
    units: Literal["percent", "fraction"] | None = None
    caption: str | None = None
    label: Annotated[str, Field(pattern=r"^([A-Za-z0-9:_-]|\{part\})+$")] | None = None
    notes: list[str] | None = None
    environment: Annotated[str, Field(pattern=r"^[A-Za-z]+\*?$")] | None = None
    size: Literal[10, 9, 8, 7] | None = None
    width: Positive | None = None
    height: Positive | None = None


class TableLayout(PartLayout):
    """How a table is printed, and what differs in its parts."""

    parts: dict[str, PartLayout] | None = None


class Layout(Checked):
    """Everything that a layout may set."""

    models: dict[str, Look]
    recipes: dict[Recipe, str]
    variants: dict[str, str]
    datasets: dict[str, str]
    front_ends: dict[one_of("front end", FRONT_ENDS), str]  # type: ignore[valid-type]
    protocols: dict[one_of("protocol", PROTOCOLS), str]  # type: ignore[valid-type]
    margin: Share
    margin_errors: Positive
    significance: Share
    marks: Literal["significant", "best", "none"]
    confusion: list[str]
    tables: dict[one_of("table", TABLES), TableLayout]  # type: ignore[valid-type]


def load(path: str | Path | None = None) -> dict[str, Any]:
    """Return the layout of `path`, laid key by key over paper/layout.yaml. Raise InputError if it is invalid.

    Data sets and front ends that neither names have their own titles.
    """
    path = Path(path or FILE)
    given = merged(*(read(file)[1] for file in (FILE, path)))
    layout = Layout.parse(given, str(path)).model_dump(exclude_none=True)
    for name, entry in CATALOGUE.items():
        layout["datasets"].setdefault(name, entry.title)
    for name, front_end in FRONT_ENDS.items():
        layout["front_ends"].setdefault(name, front_end.title)
    return layout
