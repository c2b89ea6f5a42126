"""The runs that are expected, those that no mean includes, and the order of experiments in tables."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pandas as pd

from workflow.experiments import configuration_file, grid
from workflow.experiments.configuration import Configuration
from workflow.experiments.problems import ConfigurationError
from workflow.reporting.files import ReportingError
from workflow.reporting.records import EXPERIMENT, IDENTITY

BLOCK = ["dataset", "front_end", "protocol"]
ORDER = [*BLOCK, "model"]
WHOLE = {"fold": "Int64", "seed": "Int64"}


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
    if config is not None:
        return pd.DataFrame([run.identity for run in grid.runs(config)], columns=IDENTITY).astype(WHOLE)
    known = records.dropna(subset=IDENTITY)
    models, pairs = (known[[*BLOCK, *names]].drop_duplicates() for names in (["model"], ["fold", "seed"]))
    return models.sort_values(BLOCK, kind="stable").merge(pairs, on=BLOCK)[IDENTITY]


def excluded(records: pd.DataFrame, wanted: pd.DataFrame) -> pd.DataFrame:
    """Return the runs that no mean includes: without a record, failed, or with a record that cannot be used."""
    bad = records[records["status"] != "ok"].rename(columns={"status": "state", "failure": "reason"})
    both = wanted.merge(records[IDENTITY].drop_duplicates(), how="left", indicator=True)
    missing = both[both["_merge"] == "left_only"].assign(state="missing", reason="no record", record="")
    columns = [*IDENTITY, "state", "reason", "record"]
    return pd.concat([bad[columns], missing[columns]], ignore_index=True)


def experiments(
    records: pd.DataFrame, wanted: pd.DataFrame, layout: dict[str, Any], config: Configuration | None
) -> pd.DataFrame:
    """Return every (dataset, front_end, model, protocol) that is expected or recorded, in the order of tables.

    The order is that of the configuration. Without one it is that of the layout, with models by family, then by name.
    """
    found = pd.concat([wanted[EXPERIMENT], records[EXPERIMENT].dropna()], ignore_index=True).drop_duplicates()
    if config is None:
        families = records.dropna(subset=["model", "family"]).set_index("model")["family"].to_dict()
        places = {family: place for place, family in enumerate(layout["models"])}
        orders: dict[str, Iterable[str]] = {name: layout[f"{name}s"] for name in BLOCK}
        orders["model"] = sorted(found["model"], key=lambda name: (places.get(families.get(name), len(places)), name))
    else:
        orders = {name: getattr(config, f"{name}s") for name in ORDER}

    def rank(column: pd.Series) -> pd.Series:
        names = list(dict.fromkeys([*orders[column.name], *sorted(column)]))
        return column.map(names.index)

    return found.sort_values(ORDER, key=rank, kind="stable", ignore_index=True)
