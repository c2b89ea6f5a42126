"""The results of a configuration: its records, the runs expected of it, and what several tables need of both."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property, wraps
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, TypeVar

import pandas as pd

from workflow.experiments.configuration import Configuration
from workflow.reporting import grid, provenance, records
from workflow.reporting import layout as layouts
from workflow.reporting import reported as reported_numbers
from workflow.reporting.files import ReportingError
from workflow.storage import seal

P = ParamSpec("P")
R = TypeVar("R")
SAME_CLASS, ANY_CLASS = "test_with_sibling_in_train_or_validation", "test_with_sibling_of_any_class"
SPLIT_SIZES = ["dataset", "protocol", "fold", "n_train", "n_validation", "n_test", SAME_CLASS]
LATER_SIZES = [ANY_CLASS, "n_train_sources", "n_validation_sources", "n_test_sources"]  # not in earlier files


@dataclass(frozen=True, eq=False)
class Results:
    """Everything that tables, figures, report and article are made from.

    config is None if there is nothing but a folder of records. An experiment is (dataset, front_end, model,
    protocol), a place (dataset, front_end, model).
    """

    root: Path
    records: pd.DataFrame
    layout: dict[str, Any]
    config: Configuration | None = None
    reported: pd.DataFrame = field(default_factory=pd.DataFrame)
    cache: dict[Any, Any] = field(default_factory=dict, repr=False)

    @cached_property
    def successful_records(self) -> pd.DataFrame:
        """The records with status ok: those that means are taken over."""
        return records.successful(self.records)

    @cached_property
    def expected(self) -> pd.DataFrame:
        """Identities of the runs that should be there."""
        return grid.expected(self.records, self.config)

    @cached_property
    def excluded(self) -> pd.DataFrame:
        """Runs that no mean includes, each with its state and reason."""
        return grid.excluded(self.records, self.expected)

    @cached_property
    def experiments(self) -> pd.DataFrame:
        """(dataset, front_end, model, protocol) of every expected or recorded experiment, in the order of tables."""
        return grid.experiments(self.records, self.expected, self.layout, self.config)

    @cached_property
    def places(self) -> list[tuple[str, str, str]]:
        """(dataset, front_end, model) of every expected or recorded experiment, in the order of tables."""
        places = self.experiments[["dataset", "front_end", "model"]].drop_duplicates()
        return list(places.itertuples(index=False, name=None))

    @cached_property
    def provenance(self) -> provenance.Provenance:
        """The origin of everything made from these results."""
        return provenance.of(self.records)

    @cached_property
    def leakage(self) -> pd.DataFrame:
        """Every leakage.csv below the root: sizes of each fold's parts, and test clips with a sibling in training."""
        # tables/ holds a table of the same name, which another step may be writing
        files = sorted(file for file in self.root.rglob("leakage.csv") if file.parent.name != "tables")
        try:
            for file in files:
                seal.require(file.with_name("splits.json"), ("leakage.csv",))
        except seal.DamagedError as error:
            raise ReportingError(str(error)) from None
        tables = [table for file in files if set(SPLIT_SIZES) <= set(table := pd.read_csv(file))]
        found = pd.concat(tables, ignore_index=True) if tables else pd.DataFrame()
        return found.reindex(columns=[*SPLIT_SIZES, *LATER_SIZES])

    def partial(self, dataset: str) -> bool:
        """Return whether the configuration allows clips of the data set to be missing."""
        entry = self.config.datasets.get(dataset) if self.config else None
        return entry is not None and entry.partial

    def successful(self, *place: str) -> pd.DataFrame:
        """Return the successful records of an experiment, or of a place, over all protocols."""
        return self.rows("successful_records", *place)

    def rows(self, table: str, *place: str) -> pd.DataFrame:
        """Return the rows of successful_records, expected or excluded of an experiment or place."""
        return _groups(self, table, len(place)).get(place, getattr(self, table).iloc[:0])

    def by_run(self, measure: str, *experiment: str) -> pd.Series:
        """Return `measure` of an experiment's runs by (fold, seed); runs without the value are left out."""
        return self.successful(*experiment).set_index(["fold", "seed"])[measure].dropna()


def cached(function: Callable[Concatenate[Results, P], R]) -> Callable[Concatenate[Results, P], R]:
    """Decorate `function(results, ...)` so that it is computed once per Results and arguments."""

    @wraps(function)
    def wrapper(results: Results, *args: P.args, **kwargs: P.kwargs) -> R:
        key = (function, args, tuple(kwargs.items()))
        if key not in results.cache:
            results.cache[key] = function(results, *args, **kwargs)
        return results.cache[key]

    return wrapper


@cached
def _groups(results: Results, table: str, depth: int) -> dict[Any, pd.DataFrame]:
    return dict(iter(getattr(results, table).groupby(records.EXPERIMENT[:depth])))


def gather(
    root: str | Path | None,
    config: str | Path | None = None,
    layout: str | Path | None = None,
    reported: str | Path | None = None,
) -> Results:
    """Read everything below `root`, or, without it, a configuration of which nothing has been run.

    config: default config.yaml in `root`, if there is one. layout, reported: default those of paper/.
    """
    folder = Path(root) if root else Path(config or "config.yaml").parent
    return Results(
        root=folder,
        records=records.read(root) if root else records.frame([]),
        layout=layouts.load(layout),
        config=grid.configuration_of(folder, config),
        reported=reported_numbers.load(reported),
    )
