"""How far the nearest view of ours, protocol random at the best test epoch, is from what the published codes do."""

from workflow.reporting import counted, recipe
from workflow.reporting.render import number
from workflow.reporting.results import Results

REPORTED_TRAIN = 0.8  # random 5-fold (TT-LSTM), 80/20 (BT-LSTM), 70/10/20 with the validation part merged (TR-LSTM)


def deviations(results: Results, datasets: list[str]) -> list[str]:
    """A sentence for each way in which our runs on `datasets` are not like for like with the published ones."""
    shares = sorted(100 * share for name in datasets if (share := train_share(results, name)) is not None)
    ours = f"train on {_span(shares, 1)} % of the clips" if shares else "train on fewer clips"
    found = [
        f"A validation part is cut from the training clips, so that the models {ours}; the published codes train on "
        f"{number(100 * REPORTED_TRAIN)} %."
    ]
    if waits := patience(results, datasets):
        found.append(
            f"Training ends after {_span(waits)} epochs without a better validation accuracy, which can come before "
            "the best test epoch; the published codes train to their last epoch."
        )
    return found


def train_share(results: Results, dataset: str) -> float | None:
    """The share of a data set's clips that the models train on under protocol random, from leakage.csv, or None."""
    table = results.leakage
    sizes = table.loc[
        (table["dataset"] == dataset) & (table["protocol"] == "random"), ["n_train", "n_validation", "n_test"]
    ].sum()
    return float(sizes["n_train"] / sizes.sum()) if sizes.sum() else None


def patience(results: Results, datasets: list[str]) -> list[int]:
    """After how many epochs without improvement training ends, of the models for which it does."""
    places = counted.places(results)
    here = places[places["dataset"].isin(datasets)].itertuples(index=False, name=None)
    return sorted({waits for place in here if (waits := recipe.of(results, *place).get("patience"))})


def _span(values: list[float], digits: int = 0) -> str:
    ends = [number(value, digits) for value in (values[0], values[-1])]
    return ends[0] if ends[0] == ends[1] else " to ".join(ends)
