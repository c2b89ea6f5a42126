"""Learning curves (logarithmic epochs): mean over n = {n} runs. Bands: one standard deviation of the test accuracy of
three runs or more. A curve ends at the last epoch that all runs of its model reached.
"""

import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.ticker import LogLocator

from workflow.experiments import curves
from workflow.reporting.drawing import panels
from workflow.reporting.drawing.figure import Canvas, Figure
from workflow.reporting.records import EXPERIMENT
from workflow.reporting.results import Results
from workflow.reporting.statistics import FEWEST

ACCURACIES = ["train_accuracy", "test_accuracy"]


def table(results: Results) -> pd.DataFrame:
    """Return a row per run and epoch, up to the last epoch that all runs of an experiment reached; in percent."""
    found = []
    for experiment in panels.main_experiments(results):
        runs = [curves.read(file) for file in results.files("metrics.jsonl", *experiment)]
        runs = [epochs for epochs in runs if len(epochs) > 1]
        length = min((len(epochs) for epochs in runs), default=0)
        for epochs in runs:
            lines = pd.DataFrame({name: curves.column(epochs[:length], name) for name in ("epoch", *ACCURACIES)})
            lines[ACCURACIES] *= 100
            found.append(lines.assign(**dict(zip(EXPERIMENT, experiment, strict=True)), n=len(runs)))
    return panels.titled(results, pd.concat(found, ignore_index=True)) if found else pd.DataFrame()


def draw(results: Results) -> Canvas | None:
    """Draw a panel per data set, front end and protocol."""
    data = table(results)
    if data.empty:
        return None
    drawn = [model for model in results.experiments["model"].unique() if model in set(data["model"])]
    looks = {model: panels.look(results, model) for model in drawn}

    def panel(axes: Axes, rows: pd.DataFrame) -> None:
        for model, runs in rows.groupby("model", sort=False):
            own = {"data": runs, "x": "epoch", "color": looks[model].colour, "ax": axes}
            band = "sd" if runs["n"].iloc[0] >= FEWEST else None
            sns.lineplot(**own, y="train_accuracy", errorbar=None, linestyle=":", linewidth=0.7, zorder=1.9)
            sns.lineplot(**own, y="test_accuracy", errorbar=band, err_kws={"alpha": 0.12}, ls=looks[model].dashes)
        axes.set(xscale="log", xlim=(1, data["epoch"].max()), ylim=(0, 101))
        axes.xaxis.set_major_locator(LogLocator(10, subs=(1, 2, 5)))
        axes.xaxis.set_major_formatter("{x:g}")
        axes.minorticks_off()

    legend = [panels.entry(look, linestyle=look.dashes) for look in looks.values()]
    legend.append(panels.entry(panels.Look("test", panels.DARK)))
    legend.append(panels.entry(panels.Look("train", panels.DARK), linestyle=":", linewidth=0.8))
    return panels.draw(data, panel, legend, ("epoch (log scale)", "accuracy (%)"), 1.6)


FIGURE = Figure("learning_curves", "Learning curves", 60, __doc__, draw, "No learning curves yet.")
