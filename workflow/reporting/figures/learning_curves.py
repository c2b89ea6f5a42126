"""Learning curves (logarithmic epochs) of {runs}."""

import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.ticker import LogLocator

from workflow.experiments import curves
from workflow.reporting.drawing import panels
from workflow.reporting.drawing.figure import Canvas, Figure
from workflow.reporting.records import EXPERIMENT
from workflow.reporting.results import Results, cached
from workflow.reporting.statistics import FEWEST

FEW = 3  # panels in a row, each with room for three numbers per decade
ACCURACIES = ["train_accuracy", "test_accuracy"]


@cached
def table(results: Results) -> pd.DataFrame:
    """Return a row per run and epoch, up to the last epoch that all runs of an experiment reached; in percent."""
    found = []
    for experiment in panels.main_experiments(results):
        runs = {file.parent: curves.read(file) for file in results.files("metrics.jsonl", *experiment)}
        runs = {folder: epochs for folder, epochs in runs.items() if len(epochs) > 1}
        length = min(map(len, runs.values()), default=0)
        for folder, epochs in runs.items():
            lines = pd.DataFrame({name: curves.column(epochs[:length], name) for name in ("epoch", *ACCURACIES)})
            lines[ACCURACIES] *= 100
            names = dict(zip(EXPERIMENT, experiment, strict=True))
            run = ", ".join(f"{part[:4]} {part[4:]}" for part in folder.parts[-2:])  # fold 0, seed 0
            found.append(lines.assign(**names, run=run, n=len(runs)))
    return panels.titled(results, pd.concat(found, ignore_index=True)) if found else pd.DataFrame()


def caption(results: Results) -> str:
    """Return the caption: which run there is of each model, or what is shown of several."""
    data = table(results)
    names = data["run"].unique()
    if data["n"].max() == 1:
        runs = f"one run of each model{f' ({names[0]})' if len(names) == 1 else ''}"
    else:
        bands = ". Bands: one standard deviation of the test accuracy, for three or more runs"
        runs = f"the mean of n = {{n}} runs{bands if data['n'].max() >= FEWEST else ''}"
        runs += ". A curve ends at the last epoch that all runs of its model reached"
    return str(__doc__).replace("{runs}", runs)


def draw(results: Results) -> Canvas | None:
    """Draw a panel per data set, front end and protocol."""
    data = table(results)
    if data.empty:
        return None
    drawn = [model for model in results.experiments["model"].unique() if model in set(data["model"])]
    looks = {model: panels.look(results, model) for model in drawn}
    marks = (1, 2, 5) if data["column"].nunique() <= FEW else (1,)  # in a decade of epochs

    def panel(axes: Axes, rows: pd.DataFrame) -> None:
        for model, runs in rows.groupby("model", sort=False):
            own = {"data": runs, "x": "epoch", "color": looks[model].colour, "ax": axes}
            band = "sd" if runs["n"].iloc[0] >= FEWEST else None
            sns.lineplot(**own, y="train_accuracy", errorbar=None, linestyle=":", linewidth=0.7, zorder=1.9)
            sns.lineplot(**own, y="test_accuracy", errorbar=band, err_kws={"alpha": 0.12}, ls=looks[model].dashes)
        axes.set(xscale="log", xlim=(1, data["epoch"].max()), ylim=(0, 101))
        axes.xaxis.set_major_locator(LogLocator(10, subs=marks, numticks=99))
        axes.xaxis.set_major_formatter("{x:g}")
        axes.minorticks_off()

    legend = [panels.entry(look, linestyle=look.dashes) for look in looks.values()]
    legend.append(panels.entry(panels.Look("test", panels.DARK)))
    legend.append(panels.entry(panels.Look("train", panels.DARK), linestyle=":", linewidth=0.8))
    return panels.draw(data, panel, legend, ("epoch (log scale)", "accuracy (%)"), 1.6)


FIGURE = Figure("learning_curves", "Learning curves", 60, caption, draw, "No learning curves yet.")
