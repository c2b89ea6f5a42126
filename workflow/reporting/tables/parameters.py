"""parameters: what each model stores, and how many times fewer weights than the dense LSTM of its size."""

from functools import lru_cache

import pandas as pd

from workflow.reporting import counted
from workflow.reporting import layout as layouts
from workflow.reporting.render import Cell, Column, Sheet, number
from workflow.reporting.results import Results

COLUMNS = {
    "model": Column("model", ("Model",), number=False),
    "W": Column("W", ("W",)),
    "U": Column("U", ("U",)),
    "weights": Column("weights", ("W + U",)),
    "bias": Column("bias", ("Bias",)),
    "classifier": Column("classifier", ("Classifier",)),
    "ratio_W": Column("ratio_W", ("Times", "fewer", "W")),
    "ratio_weights": Column("ratio_weights", ("Times", "fewer", "W + U")),
}
NOTE = (
    "W: input-to-hidden, U: hidden-to-hidden; FDHT-LSTM stores both in W, so that its ratio is the last column. "
    "Biases and the classifier are stored too but enter no ratio, as in the published counts. Times fewer: "
    "than an uncompressed layer of the same input and hidden size."
)


@lru_cache(maxsize=8)
def build(results: Results) -> pd.DataFrame:
    """parameters.csv: a row per data set, front end and model; models without weights have empty ratios."""
    rows = []
    for dataset, front_end, model in counted.places(results).itertuples(index=False, name=None):
        found = counted.counts(results, dataset, front_end, model)
        if found is None:
            continue
        row = {"dataset": dataset, "front_end": front_end, "model": model, **found}
        row["weights"] = found["W"] + found["U"]
        whole = counted.dense(results, dataset, front_end, model)
        is_layer = whole is not None and layouts.kind(results.layout, model) != "baseline"
        if is_layer and found["W"]:
            row["ratio_W"] = whole["W"] / found["W"]
            row["ratio_weights"] = (whole["W"] + whole["U"]) / row["weights"]
        rows.append(row)
    columns = ["dataset", "front_end", *COLUMNS]
    whole_numbers = dict.fromkeys(("W", "U", "weights", "bias", "classifier"), "Int64")
    return pd.DataFrame(rows, columns=columns).astype(whole_numbers | {"ratio_W": float, "ratio_weights": float})


def sheets(results: Results) -> list[Sheet]:
    """One printed table per data set and front end."""
    table = layouts.keep(results.layout, "parameters", build(results))
    chosen = layouts.choose(results.layout, "parameters", COLUMNS)
    result = []
    for (dataset, front_end), rows in table.groupby(["dataset", "front_end"], sort=False):
        cells = [
            [_cell(results, key, row)._replace(link=f"{dataset}/{front_end}/{row['model']}") for key in chosen]
            for row in rows.to_dict("records")
        ]
        setting = layouts.setting_label(results.layout, dataset, front_end)
        caption, label = f"Parameters on {setting}.", f"parameters-{dataset}-{front_end}"
        result.append(Sheet(label, caption, [COLUMNS[key] for key in chosen], [("", cells)], [NOTE]))
    return result


def _cell(results: Results, key: str, row: dict) -> Cell:
    if key == "model":
        return Cell(layouts.model_label(results.layout, row["model"]))
    value = None if pd.isna(row[key]) else row[key]
    places = layouts.digits(results.layout, "parameters", key, 0)
    return Cell(number(value, places if key.startswith("ratio") else 0), number=True)
