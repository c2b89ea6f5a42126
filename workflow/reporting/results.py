"""What every table is made from, read once."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

import pandas as pd

from workflow.experiments.configuration import Configuration
from workflow.reporting import grid, provenance, records
from workflow.reporting import layout as layouts
from workflow.reporting import reported as reported_numbers
from workflow.reporting.files import ReportingError
from workflow.storage import seal


@dataclass(frozen=True, eq=False)  # hashed by identity, so that tables can be cached by it
class Results:
    """Records with what is expected of them; `config` is None where only records are at hand."""

    root: Path
    records: pd.DataFrame
    layout: dict[str, Any]
    config: Configuration | None = None
    reported: pd.DataFrame = field(default_factory=pd.DataFrame)

    @cached_property
    def successful_records(self) -> pd.DataFrame:
        """The records that enter means."""
        return records.successful(self.records)

    @cached_property
    def expected(self) -> pd.DataFrame:
        """Identities of the runs that should be there."""
        return grid.expected(self.records, self.config)

    @cached_property
    def excluded(self) -> pd.DataFrame:
        """What is not there, and why."""
        return grid.excluded(self.records, self.expected)

    @cached_property
    def experiments(self) -> pd.DataFrame:
        """(dataset, front_end, model, protocol) of every row of the accuracy table, in order."""
        return grid.experiments(self.records, self.expected, self.layout, self.config)

    @cached_property
    def provenance(self) -> provenance.Provenance:
        """Where everything made from this comes from."""
        return provenance.of(self.records)

    @cached_property
    def leakage(self) -> pd.DataFrame:
        """All leakage.csv below the root: sizes of the parts, and test clips with a sibling in train."""
        # the table of this name is made from these, perhaps at this moment by another step
        files = sorted(file for file in self.root.rglob("leakage.csv") if file.parent.name != "tables")
        try:
            for file in files:
                seal.require(file.with_name("splits.json"), ("leakage.csv",))
        except seal.DamagedError as error:
            raise ReportingError(str(error)) from None
        columns = [
            "dataset",
            "protocol",
            "fold",
            "n_train",
            "n_validation",
            "n_test",
            "test_with_sibling_in_train_or_validation",
        ]
        later = [  # NaN where the file was written before they were counted
            "test_with_sibling_of_any_class",
            "n_train_sources",
            "n_validation_sources",
            "n_test_sources",
        ]
        tables = [table for file in files if "protocol" in (table := pd.read_csv(file))]
        tables = [table for table in tables if set(columns) <= set(table)]
        found = pd.concat(tables, ignore_index=True) if tables else pd.DataFrame()
        return found.reindex(columns=[*columns, *later])

    def partial(self, dataset: str) -> bool:
        """Whether the configuration declares that only a part of the set is at hand."""
        entry = self.config.datasets.get(dataset) if self.config else None
        return entry is not None and entry.partial

    def successful(self, dataset: str, front_end: str, model: str, protocol: str) -> pd.DataFrame:
        """The good records of one row of the accuracy table."""
        key = (dataset, front_end, model, protocol)
        return self._groups.get(key, self.successful_records.iloc[:0])

    def by_run(self, measure: str, *experiment: str) -> dict[tuple[int, int], float]:
        """(fold, seed) -> value of `measure`, without the runs that have none."""
        return _by_run(self, measure, experiment)

    def test_share(self, dataset: str, protocol: str) -> float | None:
        """n_test / (n_train + n_test), from leakage.csv, or None."""
        return self._shares.get((dataset, protocol))

    def excluded_states(self, *experiment: str) -> dict[str, int]:
        """How many runs of one row of the accuracy table are holes, by state."""
        return self._states.get(tuple(experiment), {})

    def expected_runs(self, *experiment: str) -> int:
        """How many runs one row of the accuracy table should have."""
        return len(self._wanted.get(tuple(experiment), ()))

    def expected_folds(self, *experiment: str) -> int:
        """How many folds one row of the accuracy table should have."""
        return len({fold for fold, _ in self._wanted.get(tuple(experiment), ())})

    def by_experiment(self) -> Iterable[tuple[tuple[str, ...], pd.DataFrame]]:
        """The good records, by row of the accuracy table."""
        return self._groups.items()

    def records_of(self, dataset: str, front_end: str, model: str) -> pd.DataFrame:
        """The good records of a model, over all protocols."""
        return self._models.get((dataset, front_end, model), self.successful_records.iloc[:0])

    @cached_property
    def _models(self) -> dict[tuple, pd.DataFrame]:
        return dict(iter(self.successful_records.groupby(records.EXPERIMENT[:3])))

    @cached_property
    def _shares(self) -> dict[tuple[str, str], float]:
        sums = self.leakage.groupby(["dataset", "protocol"])[["n_train", "n_test"]].sum()
        return {key: row.n_test / (row.n_train + row.n_test) for key, row in sums.iterrows() if row.n_test}

    @cached_property
    def _groups(self) -> dict[tuple, pd.DataFrame]:
        return dict(iter(self.successful_records.groupby(records.EXPERIMENT)))

    @cached_property
    def _states(self) -> dict[tuple, dict[str, int]]:
        found: dict[tuple, dict[str, int]] = {}
        for (*experiment, state), rows in self.excluded.groupby([*records.EXPERIMENT, "state"]):
            found.setdefault(tuple(experiment), {})[state] = len(rows)
        return found

    @cached_property
    def _wanted(self) -> dict[tuple, list[tuple[int, int]]]:
        groups = self.expected.groupby(records.EXPERIMENT)
        return {key: list(zip(rows["fold"], rows["seed"], strict=True)) for key, rows in groups}


@lru_cache(maxsize=4096)
def _by_run(results: Results, measure: str, experiment: tuple[str, ...]) -> dict[tuple[int, int], float]:
    runs = results.successful(*experiment)
    rows = zip(runs["fold"], runs["seed"], runs[measure], strict=True)
    return {(fold, seed): value for fold, seed, value in rows if not pd.isna(value)}


def gather(root, config=None, layout=None, reported=None) -> Results:
    """Read everything below `root`; `config`, `layout`, `reported` are paths, each with its default."""
    return Results(
        root=Path(root),
        records=records.read(root),
        layout=layouts.load(layout),
        config=grid.configuration_of(root, config),
        reported=reported_numbers.load(reported),
    )
