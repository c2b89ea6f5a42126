"""The data sets, as catalogue.yaml describes them."""

from pathlib import Path
from typing import Annotated

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass

from workflow.datasets import inventory
from workflow.datasets.layouts import Layout
from workflow.datasets.source import Source
from workflow.storage.errors import InputError
from workflow.storage.fields import sentence
from workflow.storage.yaml_file import read


@dataclass(frozen=True, config=ConfigDict(extra="forbid"))
class Dataset:
    """One data set.

    downloads: by role: clips; splits if they are official. group_folds: under the protocol `group`, the folds are the
    official splits if there are any; otherwise they divide numbered groups evenly, in order: the first fold tests the
    first groups. Groups with names are dealt out in turn, class by class. download_gb: as the publisher or a mirror
    states. citation: key in paper/references.bib. clips_per_split: training and test clips of every class in each
    official split, which are then checked.
    """

    name: str
    title: str
    downloads: dict[Annotated[str, Field(pattern="^(clips|splits)$")], tuple[Source, ...]]
    layout: Layout
    group_folds: Annotated[int, Field(ge=2)]
    download_gb: float
    licence: str
    citation: str
    clips_per_split: tuple[int, int] | tuple[()] = ()

    @property
    def official(self) -> bool:
        return "splits" in self.downloads

    @property
    def classes(self) -> tuple[str, ...]:
        return tuple(sorted(inventory.load(self.name)["classes"]))

    @property
    def clips(self) -> int:
        return inventory.load(self.name)["clips"]


def load(path: Path) -> dict[str, Dataset]:
    """Return the data sets of a catalogue by name. Raise InputError, a sentence with file and key, for a mistake."""
    raw = read(path)[1]
    entries = {name: {**entry, "name": name} if isinstance(entry, dict) else entry for name, entry in raw.items()}
    names = Annotated[str, Field(pattern="^[a-z0-9_]+$")]
    try:
        return TypeAdapter(dict[names, Dataset]).validate_python(entries)
    except ValidationError as error:
        raise InputError(sentence(error, entries, str(path))) from None


CATALOGUE = load(Path(__file__).with_suffix(".yaml"))


def dataset(name: str) -> Dataset:
    """Return the data set called `name`; raise InputError listing the known names if there is none."""
    if name not in CATALOGUE:
        raise InputError(f"data set {name!r} is unknown; expected one of {', '.join(CATALOGUE)}")
    return CATALOGUE[name]
