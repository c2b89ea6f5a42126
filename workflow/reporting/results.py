"""The results of a configuration: its records, the runs expected of it, and what several tables need of both."""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import pandas as pd

from workflow.datasets.catalogue import CATALOGUE
from workflow.datasets.protocols import SIBLINGS, VALIDATED
from workflow.experiments import grid, states
from workflow.experiments.configuration import Configuration
from workflow.reporting import layout as layouts
from workflow.reporting import provenance, records
from workflow.reporting import reported as reported_numbers
from workflow.reporting.numbers import number
from workflow.reporting.records import EXPERIMENT, IDENTITY, PARTS, PLACE
from workflow.storage import seal

BLOCK = ["dataset", "front_end", "protocol"]
cached = cache  # of a function of Results, each of which is its own key
SAME_CLASS, ANY_CLASS = "test_with_sibling_in_train", "test_with_sibling_of_any_class"
SPLIT_SIZES = ["dataset", "protocol", "fold", "n_train", "n_validation", "n_test", SAME_CLASS]
PER_CLASS = "train_sources_per_class"
LATER_SIZES = [ANY_CLASS, "n_train_sources", "n_validation_sources", "n_test_sources", PER_CLASS]  # newer


@dataclass(frozen=True, eq=False)
class Results:
    """Everything that tables, figures, report and article are made from.

    config is None if there is only a folder of records. An experiment is (dataset, front_end, model, protocol), a
    place (dataset, front_end, model).
    """

    root: Path
    recorded: pd.DataFrame  # every record; tables are made from those that the configuration asks for, `records`
    layout: dict[str, Any]
    config: Configuration | None = None
    reported: pd.DataFrame = field(default_factory=pd.DataFrame)

    @cached_property
    def records(self) -> pd.DataFrame:
        """Return the records of the runs that the configuration asks for; without one, all."""
        return self.recorded[self.recorded["failure"] != states.UNASKED]

    @cached_property
    def successful_records(self) -> pd.DataFrame:
        """Return the records with status ok, the only ones that enter means."""
        return self.records[self.records["status"] == "ok"]

    @cached_property
    def expected(self) -> pd.DataFrame:
        """Return the identities of the runs that should exist: the configuration's grid.

        Without a configuration, every model of a data set, front end and protocol should have each fold and seed that
        any of them has.
        """
        if self.config is not None:
            every = pd.DataFrame([run.identity for run in grid.runs(self.config)], columns=IDENTITY)
            return every.astype({"fold": "Int64", "seed": "Int64"})
        known = self.records.dropna(subset=IDENTITY)
        models, pairs = (known[[*BLOCK, *names]].drop_duplicates() for names in (["model"], ["fold", "seed"]))
        return models.sort_values(BLOCK, kind="stable").merge(pairs, on=BLOCK)[IDENTITY]

    @cached_property
    def excluded(self) -> pd.DataFrame:
        """Return the excluded runs (no record, failed, or unusable), each with its status and the reason."""
        bad = self.records[self.records["status"] != "ok"]
        both = self.expected.merge(self.records[IDENTITY], how="left", indicator=True)
        missing = both[both["_merge"] == "left_only"].assign(status=states.MISSING, failure="no record", record="")
        columns = [*IDENTITY, "status", "failure", "record"]
        return pd.concat([bad[columns], missing[columns]], ignore_index=True)

    @cached_property
    def experiments(self) -> pd.DataFrame:
        """Return (dataset, front_end, model, protocol) of every expected or recorded experiment, in table order.

        The order is that of the configuration. Without one it is that of the layout, with models by family, then by
        name.
        """
        found = pd.concat([self.expected[EXPERIMENT], self.records[EXPERIMENT].dropna()]).drop_duplicates()
        if self.config is None:
            families = self.records.groupby("family")["model"].unique()
            orders: dict[str, Iterable[str]] = {name: self.layout[f"{name}s"] for name in BLOCK}
            orders["model"] = [name for family in self.layout["models"] for name in sorted(families.get(family, ()))]
        else:
            orders = {name: getattr(self.config, f"{name}s") for name in EXPERIMENT}

        def rank(column: pd.Series) -> pd.Series:
            names = list(dict.fromkeys([*orders[column.name], *sorted(column)]))
            return column.map(names.index)

        return found.sort_values([*BLOCK, "model"], key=rank, kind="stable", ignore_index=True)

    @cached_property
    def places(self) -> list[tuple[str, str, str]]:
        """Return (dataset, front_end, model) of every expected or recorded experiment, in table order."""
        return list(self.experiments[PLACE].drop_duplicates().itertuples(index=False, name=None))

    def label(self, axis: str, name: str) -> str:
        """Return the printed name of a `dataset`, `front_end` or `protocol`."""
        return self.layout[f"{axis}s"].get(name, name)

    def data_label(self, dataset: str, front_end: str) -> str:
        """Return the printed name of a data set with its front end."""
        return f"{self.label('dataset', dataset)}, {self.label('front_end', front_end)}"

    def models_on(self, *data: str) -> list[str]:
        """Return the models of a data set and front end, in table order."""
        return [model for *place, model in self.places if tuple(place) == data]

    @cached_property
    def provenance(self) -> provenance.Provenance:
        """Return the provenance of everything made from these results."""
        return provenance.of(self.records)

    @cached_property
    def leakage(self) -> pd.DataFrame:
        """Return every leakage.csv below the root: sizes of each fold's parts, test clips with siblings in training."""
        # tables/ holds a table of the same name, which another step may be writing
        files = sorted(file for file in self.root.rglob("leakage.csv") if file.parent.name != "tables")
        for file in files:
            seal.require(file.with_name("splits.json"), ("leakage.csv",))
        tables = [table for file in files if set(SPLIT_SIZES) <= set(table := records.read_table(file))]
        found = pd.concat(tables, ignore_index=True) if tables else pd.DataFrame()
        return found.reindex(columns=[*SPLIT_SIZES, *LATER_SIZES])

    def partial(self, dataset: str) -> bool:
        """Return whether the configuration allows clips of the data set to be missing."""
        entry = self.config.datasets.get(dataset) if self.config else None
        return entry is not None and entry.partial

    def available(self, dataset: str) -> str:
        """Return how much of a partial data set there is: "217 of 1 600 clips, 9 of 11 classes"; "" for a whole one."""
        runs = self.successful_records
        runs = runs[(runs["dataset"] == dataset) & runs["protocol"].isin(VALIDATED)]  # the others leave clips out
        clips = runs[PARTS].sum(axis=1).max() if len(runs) else 0
        if not self.partial(dataset) or clips >= CATALOGUE[dataset].clips:
            return ""
        if not clips:
            return "a part"
        classes = json.loads((self.root / runs["record"].iloc[0]).read_text()).get("classes")
        of = {"clips": (clips, CATALOGUE[dataset].clips)}
        of |= {"classes": (len(classes), len(CATALOGUE[dataset].classes))} if classes else {}
        return ", ".join(f"{number(one)} of {number(whole)} {name}" for name, (one, whole) in of.items())

    @cached_property
    def partial_data(self) -> str:
        """Return the printed names of the partial data sets, with how much there is of each; "" if all are whole."""
        names = [name for name in self.experiments["dataset"].unique() if self.available(name)]
        return ", ".join(self.label("dataset", name) for name in names)

    def shown(self, *data: str, siblings: bool = False) -> str:
        """Return the accuracy that figures show on a data set and front end: one that all of their records have.

        At the epoch chosen on validation, or at the last epoch if a protocol has no validation part. siblings: of the
        protocols that fix the share of siblings, which are compared with no other.
        """
        runs = self.successful(*data)
        chosen = runs.loc[runs["protocol"].isin(SIBLINGS) == siblings, "test_accuracy"]
        return "test_accuracy" if chosen.notna().all() else "final_epoch_accuracy"

    def successful(self, *place: str) -> pd.DataFrame:
        """Return the successful records of an experiment, or of a place, over all protocols."""
        return self.rows("successful_records", *place)

    def rows(self, table: str, *place: str) -> pd.DataFrame:
        """Return the rows of successful_records, expected or excluded of an experiment or place."""
        groups = _groups(self, table, len(place))
        return groups[place] if place in groups else getattr(self, table).iloc[:0]

    def file(self, record: str, name: str) -> Path:
        """Return the path of a file in the folder of a record."""
        return (self.root / record).with_name(name)

    def files(self, name: str, *place: str) -> list[Path]:
        """Return the files `name` of the successful runs of an experiment or place that have one."""
        files = (self.file(record, name) for record in self.successful(*place)["record"])
        return [file for file in files if file.is_file()]

    @cached
    def by_run(self, measure: str, *experiment: str) -> pd.Series:
        """Return `measure` of an experiment's runs by (fold, seed), without runs that lack it."""
        runs = self.successful(*experiment).reindex(columns=["fold", "seed", measure])
        return runs.set_index(["fold", "seed"])[measure].dropna()


@cached
def _groups(results: Results, table: str, depth: int) -> dict[Any, pd.DataFrame]:
    return dict(iter(getattr(results, table).groupby(EXPERIMENT[:depth])))


def gather(
    root: str | Path | None,
    config: str | Path | None = None,
    layout: str | Path | None = None,
    reported: str | Path | None = None,
) -> Results:
    """Return the results below `root`; without `root`, those of a configuration that has no runs yet.

    config: config.yaml in `root` by default, if it exists. layout, reported: the files in paper/ by default. In the
    layout, the name of a partial data set gets how much of it there is.
    """
    folder = Path(root) if root else Path(config or "config.yaml").parent
    resolved = records.configuration_of(folder, config)
    results = Results(
        root=folder,
        recorded=records.read_for(folder, resolved) if root else records.to_table([]),
        layout=layouts.load(layout),
        config=resolved,
        reported=reported_numbers.load(reported),
    )
    for name in resolved.datasets if resolved else ():
        if part := results.available(name):
            label = results.label("dataset", name)
            results.layout["datasets"][name] = f"{label} ({part})"
    return results
