"""The same models, trained and tested under the two protocols: mean over n = {n} runs (epoch chosen on validation, the
last one where a protocol has no validation part). Bars: one standard deviation, for three or more runs, cut at 0 and
100. The distance between the marks is the effect of having clips of one source in both training and test, provided the
training sets have equally many clips and sources.
"""

from workflow.reporting.drawing import dots, panels
from workflow.reporting.drawing.figure import Canvas, Figure
from workflow.reporting.records import EXPERIMENT
from workflow.reporting.results import Results


def draw(results: Results) -> Canvas | None:
    """Draw a panel per data set and front end, a row per model that has runs under both protocols."""
    data = panels.accuracies(results)
    data = data[data.groupby(EXPERIMENT[:3])["protocol"].transform("nunique") == len(panels.PROTOCOLS)]
    if data.empty:
        return None
    return dots.draw(panels.titled(results, data.rename(columns={"protocol": "series"})), panels.PROTOCOLS)


FIGURE = Figure(
    "leakage", "What the random protocol adds", 20, __doc__, draw, "No model has runs under both protocols yet."
)
