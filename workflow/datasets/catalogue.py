"""The data sets, as catalogue.yaml describes them."""

from pathlib import Path

import yaml
from pydantic import TypeAdapter
from pydantic.dataclasses import dataclass

from workflow.datasets import inventory
from workflow.datasets.layouts import Layout
from workflow.datasets.source import Source
from workflow.storage.errors import InputError


@dataclass(frozen=True)
class Dataset:
    """One data set.

    downloads: by role: clips; splits if they are official. group_folds: under the protocol `group`, the folds are the
    official splits if there are any; otherwise they divide the numbered groups evenly, in order: the first fold tests
    the first groups. download_gb: as the publisher or a mirror states. citation: key in paper/references.bib.
    """

    name: str
    title: str
    downloads: dict[str, tuple[Source, ...]]
    layout: Layout
    group_folds: int
    download_gb: float
    licence: str
    citation: str

    @property
    def official(self) -> bool:
        return "splits" in self.downloads

    @property
    def classes(self) -> tuple[str, ...]:
        return tuple(sorted(inventory.load(self.name)["classes"]))

    @property
    def clips(self) -> int:
        return inventory.load(self.name)["clips"]


_text = Path(__file__).with_suffix(".yaml").read_text(encoding="utf-8")
_entries = {name: {"name": name, **entry} for name, entry in yaml.safe_load(_text).items()}
CATALOGUE = TypeAdapter(dict[str, Dataset]).validate_python(_entries)


def dataset(name: str) -> Dataset:
    """Return the data set called `name`; raise InputError listing the known names if there is none."""
    if name not in CATALOGUE:
        raise InputError(f"data set {name!r} is unknown; expected one of {', '.join(CATALOGUE)}")
    return CATALOGUE[name]
