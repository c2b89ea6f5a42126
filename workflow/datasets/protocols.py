"""Which clips train, validate and test, by protocol and fold: pure functions of the clips' names.

Randomness comes from hashing a seed and a name, not from a generator, so a split does not depend on the
order of the files, the version of a library or the machine.
"""

import hashlib
from collections import defaultdict
from collections.abc import Mapping, Sequence

from workflow.datasets import official
from workflow.datasets.catalogue import RANDOM_FOLDS, Dataset
from workflow.datasets.layouts import Clip

TRAIN, VALIDATION, TEST, UNUSED = "train", "validation", "test", "unused"
OFFICIAL_PARTS = {"": UNUSED, official.UNUSED: UNUSED, official.TRAIN: TRAIN, official.TEST: TEST}


def shuffle_key(seed: int, name: str) -> bytes:
    """Return a sort key for `name`, pseudo-random but fixed by `seed`; sorting by it shuffles."""
    return hashlib.sha256(f"{seed}:{name}".encode()).digest()


def random_folds(clips: Sequence[Clip], seed: int) -> dict[str, int]:
    """Return each clip's test fold: shuffle the clips, then deal them out to the folds in turn."""
    shuffled = sorted(clips, key=lambda clip: shuffle_key(seed, clip.clip))
    return {clip.clip: rank % RANDOM_FOLDS for rank, clip in enumerate(shuffled)}


def group_folds(entry: Dataset, clips: Sequence[Clip], partial: bool) -> dict[str, int]:
    """Return each clip's test fold: (g - 1) * folds // groups for its group g.

    The groups of a partial data set are spread evenly over the folds: by the rule for the whole set, all could land
    in one fold.
    """
    groups = sorted({int(clip.group) for clip in clips}) if partial else range(1, entry.groups + 1)
    folds = {group: rank * entry.group_folds // len(groups) for rank, group in enumerate(groups)}
    return {clip.clip: folds[int(clip.group)] for clip in clips}


def train_and_test(
    entry: Dataset, clips: Sequence[Clip], protocol: str, fold: int, seed: int, partial: bool = False
) -> dict[str, str]:
    """Return each clip's part: train, test or unused. `add_validation` then moves some to validation."""
    if protocol == "group" and entry.official:
        return {clip.clip: OFFICIAL_PARTS[clip.official[fold : fold + 1]] for clip in clips}
    tested_in = random_folds(clips, seed) if protocol == "random" else group_folds(entry, clips, partial)
    return {clip.clip: TEST if tested_in[clip.clip] == fold else TRAIN for clip in clips}


def add_validation(
    clips: Sequence[Clip], part_of: Mapping[str, str], share: float, seed: int
) -> tuple[dict[str, str], list[str]]:
    """Move about `share` of the training clips of every class to validation, by whole sources.

    At least one source stays in train and at least one moves. A class with a single training source is split clip by
    clip; the second value returned lists these classes. A class with a single training clip gives up none.
    """
    after = dict(part_of)
    single_source = []
    sources_of: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for clip in clips:
        if part_of[clip.clip] == TRAIN:
            sources_of[clip.label][clip.source].append(clip.clip)
    for label, sources in sorted(sources_of.items()):
        if len(sources) == 1:
            (names,) = sources.values()
            sources = {name: [name] for name in names}
            single_source.append(label)
        order = sorted(sources, key=lambda source: shuffle_key(seed, f"{label}/{source}"))
        after |= dict.fromkeys(_closest_to_share([sources[source] for source in order], share), VALIDATION)
    return after, single_source


def _closest_to_share(sources: list[list[str]], share: float) -> list[str]:
    """Return clips for validation: take each whole source that brings their share closer to `share`; leave one."""
    target = share * sum(map(len, sources))
    taken: list[str] = []
    left = len(sources)
    for clips in sources:
        if left > 1 and abs(len(taken) + len(clips) - target) < abs(len(taken) - target):
            taken += clips
            left -= 1
    return taken if taken or left == 1 else min(sources, key=len)
