"""Which clips train, validate and test, by protocol and fold: pure functions of the clips' names.

Chance enters through hashes of a seed and a clip's id, never through a random generator: a split does not
change with the order of the files, a library's version or the machine.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from workflow.datasets import official
from workflow.datasets.catalogue import RANDOM_FOLDS, Dataset
from workflow.datasets.errors import DataError

TRAIN, VALIDATION, TEST, UNUSED = "train", "validation", "test", "unused"


@dataclass(frozen=True)
class Row:
    """What a split has to know of a clip. `family` is what a split by sources keeps together: official splits are made
    class by class, so that a film may be trained on in one class and tested in another; leakage.py counts that."""

    clip: str
    label: str
    group: str
    source: str
    official: str = ""

    @property
    def family(self) -> tuple[str, str]:
        return self.label, self.source


def chance(seed: int, name: str) -> bytes:
    """A fixed draw for `name`; sorting by it shuffles."""
    return hashlib.sha256(f"{seed}:{name}".encode()).digest()


def random_folds(rows: Sequence[Row], seed: int, folds: int = RANDOM_FOLDS) -> dict[str, int]:
    """The fold in which each clip is tested: clips shuffled one by one, dealt out in turn."""
    shuffled = sorted(rows, key=lambda row: chance(seed, row.clip))
    return {row.clip: place % folds for place, row in enumerate(shuffled)}


def group_folds(entry: Dataset, rows: Sequence[Row], partial: bool = False) -> dict[str, int]:
    """The fold in which each group is tested: (g - 1) // groups per fold.

    Of a partial set the groups that are there share the folds in the same order, since the rule for the
    whole set could leave all of them in one fold.
    """
    groups = sorted({row.group for row in rows}, key=int)
    if partial:
        return {group: rank * entry.group_folds // len(groups) for rank, group in enumerate(groups)}
    return {group: (int(group) - 1) // entry.groups_per_fold for group in groups}


def parts(
    entry: Dataset, rows: Sequence[Row], protocol: str, fold: int, seed: int, partial: bool = False
) -> dict[str, str]:
    """train, test or unused for every clip, before the validation part is cut."""
    if protocol == "random":
        tested = random_folds(rows, seed)
        return {row.clip: TEST if tested[row.clip] == fold else TRAIN for row in rows}
    if entry.groups_per_fold is None:
        names = {official.UNUSED: UNUSED, official.TRAIN: TRAIN, official.TEST: TEST}
        return {row.clip: names[row.official[fold]] if row.official else UNUSED for row in rows}
    tested = group_folds(entry, rows, partial)
    return {row.clip: TEST if tested[row.group] == fold else TRAIN for row in rows}


def cut_validation(
    rows: Sequence[Row], part_of: Mapping[str, str], share: float, seed: int
) -> tuple[dict[str, str], list[str]]:
    """Move about `share` of every class's training clips to validation, by whole sources.

    At least one source stays in train and at least one moves; a class with a single source is cut clip by
    clip instead, and named in the second value. A class with a single training clip gives none.
    """
    after = dict(part_of)
    cut_by_clip = []
    families: dict[str, dict[tuple[str, str], list[str]]] = {}
    for row in rows:
        if part_of[row.clip] == TRAIN:
            families.setdefault(row.label, {}).setdefault(row.family, []).append(row.clip)
    for label, sources in sorted(families.items()):
        if len(sources) == 1:
            (clips,) = sources.values()
            sources = {(label, clip): [clip] for clip in clips}
            cut_by_clip.append(label)
        for clip in _nearest(sources, share, seed):
            after[clip] = VALIDATION
    return after, cut_by_clip


def _nearest(sources: Mapping[tuple[str, str], list[str]], share: float, seed: int) -> list[str]:
    """Clips of sources taken in shuffled order, each only if it brings the number nearer to the share."""
    target = share * sum(len(clips) for clips in sources.values())
    order = sorted(sources, key=lambda family: chance(seed, "/".join(family)))
    taken: list[str] = []
    left = len(order)
    for family in order:
        number = len(sources[family])
        if left > 1 and abs(len(taken) + number - target) < abs(len(taken) - target):
            taken += sources[family]
            left -= 1
    if not taken and left > 1:
        taken = list(sources[min(order, key=lambda family: len(sources[family]))])
    return taken


def check(entry: Dataset, rows: Sequence[Row], part_of: Mapping[str, str], protocol: str, fold: int) -> None:
    """Every fold has training and test clips; the message says which has none."""
    for part in (TRAIN, TEST):
        if part not in part_of.values():
            raise DataError(
                f"{entry.name}: fold {fold} of protocol {protocol!r} has no {part} clip among {len(rows)}; "
                "leave this fold out or use more of the set"
            )
