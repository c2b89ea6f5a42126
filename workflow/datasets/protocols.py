"""Which clips train, validate and test, by protocol and fold: pure functions of the clips' names.

Chance enters through hashes of a seed and a name, never through a random generator, so a split does not depend on the
order of the files, the version of a library or the machine.
"""

import hashlib
from collections.abc import Mapping, Sequence

from workflow.datasets import official
from workflow.datasets.catalogue import RANDOM_FOLDS, Dataset
from workflow.datasets.errors import DataError
from workflow.datasets.layouts import Clip

TRAIN, VALIDATION, TEST, UNUSED = "train", "validation", "test", "unused"
OFFICIAL_PARTS = {official.UNUSED: UNUSED, official.TRAIN: TRAIN, official.TEST: TEST}


def shuffle_key(seed: int, name: str) -> bytes:
    """A fixed random number for `name`; sorting by it shuffles."""
    return hashlib.sha256(f"{seed}:{name}".encode()).digest()


def random_folds(clips: Sequence[Clip], seed: int, folds: int = RANDOM_FOLDS) -> dict[str, int]:
    """The fold that tests each clip: shuffle the clips, then deal them out in turn."""
    shuffled = sorted(clips, key=lambda clip: shuffle_key(seed, clip.clip))
    return {clip.clip: rank % folds for rank, clip in enumerate(shuffled)}


def group_folds(entry: Dataset, clips: Sequence[Clip], partial: bool = False) -> dict[str, int]:
    """The fold that tests each group: (g - 1) // groups per fold.

    The groups of a partial set are spread over the folds in the same order, because the rule for the whole set could
    put all of them into one fold.
    """
    assert entry.groups_per_fold is not None
    groups = sorted({clip.group for clip in clips}, key=int)
    if partial:
        return {group: rank * entry.group_folds // len(groups) for rank, group in enumerate(groups)}
    return {group: (int(group) - 1) // entry.groups_per_fold for group in groups}


def train_and_test(
    entry: Dataset, clips: Sequence[Clip], protocol: str, fold: int, seed: int, partial: bool = False
) -> dict[str, str]:
    """The part of each clip: train, test or unused. `add_validation` then takes some training clips."""
    if protocol == "group" and entry.groups_per_fold is None:
        return {clip.clip: OFFICIAL_PARTS[clip.official[fold]] if clip.official else UNUSED for clip in clips}
    if protocol == "random":
        tested_in = random_folds(clips, seed)
    else:
        folds = group_folds(entry, clips, partial)
        tested_in = {clip.clip: folds[clip.group] for clip in clips}
    return {clip.clip: TEST if tested_in[clip.clip] == fold else TRAIN for clip in clips}


def add_validation(
    clips: Sequence[Clip], part_of: Mapping[str, str], share: float, seed: int
) -> tuple[dict[str, str], list[str]]:
    """Move about `share` of the training clips of every class to validation, by whole sources.

    At least one source stays in train and at least one moves. A class with a single training source is split clip by
    clip; the second value names these classes. A class with a single training clip gives none.
    """
    after = dict(part_of)
    single_source = []
    sources_of: dict[str, dict[tuple[str, str], list[str]]] = {}
    for clip in clips:
        if part_of[clip.clip] == TRAIN:
            sources_of.setdefault(clip.label, {}).setdefault(clip.class_source, []).append(clip.clip)
    for label, sources in sorted(sources_of.items()):
        if len(sources) == 1:
            (names,) = sources.values()
            sources = {(label, name): [name] for name in names}
            single_source.append(label)
        for name in _nearest(sources, share, seed):
            after[name] = VALIDATION
    return after, single_source


def _nearest(sources: Mapping[tuple[str, str], list[str]], share: float, seed: int) -> list[str]:
    """Go through the shuffled sources and take each that brings the number of clips nearer to the share."""
    target = share * sum(len(names) for names in sources.values())
    order = sorted(sources, key=lambda source: shuffle_key(seed, "/".join(source)))
    taken: list[str] = []
    left = len(order)
    for source in order:
        number = len(sources[source])
        if left > 1 and abs(len(taken) + number - target) < abs(len(taken) - target):
            taken += sources[source]
            left -= 1
    if not taken and left > 1:
        taken = list(sources[min(order, key=lambda source: len(sources[source]))])
    return taken


def check_fold(entry: Dataset, clips: Sequence[Clip], part_of: Mapping[str, str], protocol: str, fold: int) -> None:
    """Raise DataError if a fold has no training or no test clip."""
    for part in (TRAIN, TEST):
        if part not in part_of.values():
            raise DataError(
                f"{entry.name}: fold {fold} of protocol {protocol!r} has no {part} clip among {len(clips)}; "
                "leave this fold out or use more of the set"
            )
