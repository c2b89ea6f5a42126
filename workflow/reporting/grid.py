"""Which runs should be there, in which order, and which are not: the holes of every table."""

import itertools
from pathlib import Path

import pandas as pd

from workflow.experiments import configuration_file, grid
from workflow.experiments.configuration import Configuration
from workflow.experiments.problems import ConfigurationError
from workflow.reporting import layout as layouts
from workflow.reporting.files import ReportingError
from workflow.reporting.records import EXPERIMENT, IDENTITY

EXCLUDED = [*IDENTITY, "state", "reason", "record"]


def configuration_of(root: str | Path, path: str | Path | None = None) -> Configuration | None:
    """The configuration of `path`, else of config.yaml in the folder of records, else None."""
    beside = Path(root) / "config.yaml"
    if path is None and not beside.is_file():
        return None
    try:
        return configuration_file.load(path or beside)
    except ConfigurationError as error:
        ours = path is None or Path(path).resolve() == beside.resolve()  # resolved by the pipeline, not the user's own
        cure = f"; remove {beside} and start again, and it is made anew" if ours else ""
        raise ReportingError(f"{error}{cure}") from None


def expected(records: pd.DataFrame, config: Configuration | None) -> pd.DataFrame:
    """Identities of all runs that should be there, in the order of tables.

    They are the configuration's grid. Without one, every model of a data set, front end and protocol should
    have every fold and seed that any of them has there.
    """
    if config is not None:
        points = [tuple(run.identity.values()) for run in grid.runs(config)]
    else:
        points = []
        known = records.dropna(subset=IDENTITY)
        for _, group in known.groupby(["dataset", "front_end", "protocol"], sort=False):
            first = group.iloc[0]
            fixed = [first["dataset"]], [first["front_end"]], group["model"].unique(), [first["protocol"]]
            pairs = group[["fold", "seed"]].drop_duplicates().itertuples(index=False, name=None)
            points += [(*point, *pair) for point, pair in itertools.product(itertools.product(*fixed), list(pairs))]
    table = pd.DataFrame(points, columns=IDENTITY).astype({"fold": "Int64", "seed": "Int64"})
    return table.drop_duplicates(ignore_index=True)


def excluded(records: pd.DataFrame, wanted: pd.DataFrame) -> pd.DataFrame:
    """Everything that enters no mean: runs that are not there, and records that failed or cannot be read."""
    bad = records[records["status"] != "ok"].rename(columns={"status": "state", "failure": "reason"})
    have = set(records[IDENTITY].itertuples(index=False, name=None))
    missing = [run for run in wanted[IDENTITY].itertuples(index=False, name=None) if run not in have]
    absent = pd.DataFrame(missing, columns=IDENTITY).assign(state="not run", reason="no record", record="")
    table = pd.concat([bad[EXCLUDED].astype(object), absent[EXCLUDED].astype(object)], ignore_index=True)
    return table.astype({"fold": "Int64", "seed": "Int64"})


def experiments(
    records: pd.DataFrame, wanted: pd.DataFrame, layout: dict, config: Configuration | None
) -> pd.DataFrame:
    """Every (dataset, front_end, model, protocol) that is expected or recorded, in the order of tables."""
    both = pd.concat([wanted[EXPERIMENT], records[EXPERIMENT].dropna()], ignore_index=True).drop_duplicates()
    ranks = {
        "dataset": _rank(config.datasets if config else layout["datasets"], both["dataset"]),
        "front_end": _rank(config.front_ends if config else layout["front_ends"], both["front_end"]),
        "model": model_rank(layout, config, both["model"]),
        "protocol": _rank(config.protocols if config else layout["protocols"], both["protocol"]),
    }
    order = ["dataset", "front_end", "protocol", "model"]
    keys = pd.DataFrame({name: both[name].map(ranks[name]) for name in order})
    return both.loc[keys.sort_values(order, kind="stable").index].reset_index(drop=True)


def model_rank(layout: dict, config: Configuration | None, models) -> dict[str, int]:
    """Place of each model: as in the configuration, else as in the layout with variants after their model."""
    if config is not None:
        return _rank(config.models, models)
    places = {name: index for index, name in enumerate(layout["models"])}

    def place(model: str) -> tuple[int, str]:
        base = layouts.base_model(layout, model)
        return (places[base] if base else len(places), model)

    return {model: index for index, model in enumerate(sorted(set(models), key=place))}


def _rank(known, found) -> dict[str, int]:
    names = [*known, *sorted(set(found) - set(known))]
    return {name: index for index, name in enumerate(names)}
