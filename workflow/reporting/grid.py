"""The runs that are expected, those that no mean includes, and the order of experiments in tables."""

import itertools
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pandas as pd

from workflow.experiments import configuration_file, grid
from workflow.experiments.configuration import Configuration
from workflow.experiments.problems import ConfigurationError
from workflow.reporting.files import ReportingError
from workflow.reporting.records import EXPERIMENT, IDENTITY

EXCLUDED = [*IDENTITY, "state", "reason", "record"]
ORDER = ["dataset", "front_end", "protocol", "model"]


def configuration_of(root: str | Path, path: str | Path | None = None) -> Configuration | None:
    """Return the configuration of `path`, else of config.yaml in the folder of records, else None."""
    beside = Path(root) / "config.yaml"
    if path is None and not beside.is_file():
        return None
    try:
        return configuration_file.load(path or beside)
    except ConfigurationError as error:
        resolved = path is None or Path(path).resolve() == beside.resolve()  # by the pipeline, not the user's own file
        remedy = f"; remove {beside} and start again: it will be written again" if resolved else ""
        raise ReportingError(f"{error}{remedy}") from None


def expected(records: pd.DataFrame, config: Configuration | None) -> pd.DataFrame:
    """Return the identities of all runs that should be there: the configuration's grid.

    Without a configuration, every model of a data set, front end and protocol should have every fold and seed that any
    of them has there.
    """
    points: list[tuple[Any, ...]] = []
    if config is not None:
        points = [tuple(run.identity.values()) for run in grid.runs(config)]
    else:
        known = records.dropna(subset=IDENTITY)
        for (dataset, front_end, protocol), group in known.groupby(["dataset", "front_end", "protocol"], sort=False):
            pairs = list(group[["fold", "seed"]].drop_duplicates().itertuples(index=False, name=None))
            for model, pair in itertools.product(group["model"].unique(), pairs):
                points.append((dataset, front_end, model, protocol, *pair))
    return pd.DataFrame(points, columns=IDENTITY).astype({"fold": "Int64", "seed": "Int64"})


def excluded(records: pd.DataFrame, wanted: pd.DataFrame) -> pd.DataFrame:
    """Return the runs that no mean includes: without a record, failed, or with a record that cannot be used."""
    bad = records[records["status"] != "ok"].rename(columns={"status": "state", "failure": "reason"})
    have = set(records[IDENTITY].itertuples(index=False, name=None))
    missing = [run for run in wanted[IDENTITY].itertuples(index=False, name=None) if run not in have]
    absent = pd.DataFrame(missing, columns=IDENTITY).assign(state="missing", reason="no record", record="")
    table = pd.concat([bad[EXCLUDED].astype(object), absent[EXCLUDED].astype(object)], ignore_index=True)
    return table.astype({"fold": "Int64", "seed": "Int64"})


def experiments(
    records: pd.DataFrame, wanted: pd.DataFrame, layout: dict[str, Any], config: Configuration | None
) -> pd.DataFrame:
    """Return every (dataset, front_end, model, protocol) that is expected or recorded, in the order of tables.

    The order is that of the configuration. Without one it is that of the layout, with models by family, then by name.
    """
    found = pd.concat([wanted[EXPERIMENT], records[EXPERIMENT].dropna()], ignore_index=True).drop_duplicates()
    known = records.dropna(subset=["model", "family"])
    families = dict(zip(known["model"], known["family"], strict=True))
    if config is None:
        orders: dict[str, Iterable[str]] = {name: layout[f"{name}s"] for name in ORDER}
        places = {family: place for place, family in enumerate(layout["models"])}
        ranked = sorted(set(found["model"]), key=lambda name: (places.get(families.get(name, name), len(places)), name))
        orders["model"] = ranked
    else:
        orders = {name: getattr(config, f"{name}s") for name in ORDER}
    ranks = {}
    for name in ORDER:
        names = [*orders[name], *sorted(set(found[name]) - set(orders[name]))]
        ranks[name] = found[name].map({value: rank for rank, value in enumerate(names)})
    order = pd.DataFrame(ranks).sort_values(ORDER, kind="stable").index
    return found.loc[order].reset_index(drop=True)
