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
SIBLINGS = "test_with_sibling_in_train_or_validation"
SPLIT_SIZES = ["dataset", "protocol", "fold", "n_train", "n_validation", "n_test", SIBLINGS]
LATER_SIZES = [  # missing in files of earlier versions
    "test_with_sibling_of_any_class",
    "n_train_sources",
    "n_validation_sources",
    "n_test_sources",
]


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
        return _tuples(self.experiments[["dataset", "front_end", "model"]])

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

    def successful(self, dataset: str, front_end: str, model: str, protocol: str) -> pd.DataFrame:
        """Return the successful records of one experiment."""
        return self._by_experiment.get((dataset, front_end, model, protocol), self.successful_records.iloc[:0])

    def records_of(self, dataset: str, front_end: str, model: str) -> pd.DataFrame:
        """Return the successful records of a model, over all protocols."""
        return self._by_place.get((dataset, front_end, model), self.successful_records.iloc[:0])

    def by_run(self, measure: str, *experiment: str) -> dict[tuple[int, int], float]:
        """Return (fold, seed) -> `measure` of an experiment's runs; runs without the value are left out."""
        runs = self.successful(*experiment).dropna(subset=[measure])
        return dict(zip(zip(runs["fold"], runs["seed"], strict=True), runs[measure], strict=True))

    def expected_runs(self, *experiment: str) -> list[tuple[int, int]]:
        """Return (fold, seed) of the runs that an experiment should have."""
        return self._expected_by_experiment.get(tuple(experiment), [])

    def excluded_states(self, *experiment: str) -> dict[str, int]:
        """Return how many runs of an experiment are excluded, by state."""
        return self._excluded_by_experiment.get(tuple(experiment), {})

    def test_share(self, dataset: str, protocol: str) -> float | None:
        """Return n_test / (n_train + n_test), from leakage.csv; None if unknown."""
        return self._test_shares.get((dataset, protocol))

    @cached_property
    def _by_experiment(self) -> dict[Any, pd.DataFrame]:
        return dict(iter(self.successful_records.groupby(records.EXPERIMENT)))

    @cached_property
    def _by_place(self) -> dict[Any, pd.DataFrame]:
        return dict(iter(self.successful_records.groupby(records.EXPERIMENT[:3])))

    @cached_property
    def _expected_by_experiment(self) -> dict[Any, list[tuple[int, int]]]:
        groups = self.expected.groupby(records.EXPERIMENT)
        return {key: _tuples(rows[["fold", "seed"]]) for key, rows in groups}

    @cached_property
    def _excluded_by_experiment(self) -> dict[Any, dict[str, int]]:
        groups = self.excluded.groupby(records.EXPERIMENT)
        return {key: rows["state"].value_counts().sort_index().to_dict() for key, rows in groups}

    @cached_property
    def _test_shares(self) -> dict[Any, float]:
        sums = self.leakage.groupby(["dataset", "protocol"])[["n_train", "n_test"]].sum()
        return {key: row.n_test / (row.n_train + row.n_test) for key, row in sums.iterrows() if row.n_test}


def cached(function: Callable[Concatenate[Results, P], R]) -> Callable[Concatenate[Results, P], R]:
    """Decorate `function(results, ...)` so that it is computed once per Results and arguments."""

    @wraps(function)
    def wrapper(results: Results, *args: P.args, **kwargs: P.kwargs) -> R:
        key = (function, args, tuple(kwargs.items()))
        if key not in results.cache:
            results.cache[key] = function(results, *args, **kwargs)
        return results.cache[key]

    return wrapper


def gather(
    root: str | Path,
    config: str | Path | None = None,
    layout: str | Path | None = None,
    reported: str | Path | None = None,
) -> Results:
    """Read everything below `root`.

    config: default config.yaml in `root`, if there is one. layout, reported: default those of paper/.
    """
    return Results(
        root=Path(root),
        records=records.read(root),
        layout=layouts.load(layout),
        config=grid.configuration_of(root, config),
        reported=reported_numbers.load(reported),
    )


def declared(config: str | Path, layout: str | Path | None = None, reported: str | Path | None = None) -> Results:
    """Return the results of a configuration of which nothing has been run."""
    path = Path(config)
    return Results(
        root=path.parent,
        records=records.frame([]),
        layout=layouts.load(layout),
        config=grid.configuration_of(path.parent, path),
        reported=reported_numbers.load(reported),
    )


def _tuples(table: pd.DataFrame) -> list[tuple[Any, ...]]:
    return list(table.drop_duplicates().itertuples(index=False, name=None))
