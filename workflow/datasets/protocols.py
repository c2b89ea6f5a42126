"""Which clips train, validate and test, by protocol and fold: pure functions of the clips' names.

Randomness comes from hashing a seed and a name, not from a generator, so a split does not depend on the
order of the files, the version of a library or the machine.
"""

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from operator import attrgetter

from workflow.datasets import inventory, official
from workflow.datasets.catalogue import Dataset
from workflow.datasets.catalogue import dataset as entry_of
from workflow.datasets.layouts import Clip
from workflow.storage.errors import InputError

SIBLINGS = {f"siblings_{percent}": percent / 100 for percent in (0, 25, 50, 75, 100)}  # share of the test clips
PROTOCOLS = ("group", "random", *SIBLINGS)
VALIDATED = ("group", "random")  # the protocols with a validation part
FOLDS = 5  # of all protocols but `group`; of `random` as in the compared papers' cross-validation
TRAIN, VALIDATION, TEST, UNUSED = "train", "validation", "test", "unused"
OFFICIAL_PARTS = {"": UNUSED, official.UNUSED: UNUSED, official.TRAIN: TRAIN, official.TEST: TEST}
TT_RNN_SEED = 11111986


def folds(name: str, protocol: str) -> int:
    """Return the number of folds of data set `name` under `protocol`, or raise InputError."""
    if protocol not in PROTOCOLS:
        raise InputError(f"protocol {protocol!r} of {name} is unknown; expected {', '.join(PROTOCOLS)}")
    return entry_of(name).group_folds if protocol == "group" else FOLDS


def shuffle_key(seed: int, name: str) -> bytes:
    """Return a sort key for `name`, pseudo-random but fixed by `seed`; sorting by it shuffles."""
    return hashlib.sha256(f"{seed}:{name}".encode()).digest()


def random_folds(clips: Sequence[Clip], seed: int) -> dict[str, int]:
    """Return each clip's test fold: shuffle the clips, then deal them out to the folds in turn."""
    shuffled = sorted(clips, key=lambda clip: shuffle_key(seed, clip.clip))
    return {clip.clip: rank % FOLDS for rank, clip in enumerate(shuffled)}


def tt_rnn_folds(entry: Dataset, clips: Sequence[Clip]) -> dict[str, int]:
    """Return each clip's test fold in TT-RNN's code; all other clips train.

    It permutes the sorted paths of the whole set and cuts them into five blocks (Tuyki/TT_RNN,
    Experiment_UCF11.py, lines 78 to 126). Raises InputError if the names of the whole set are unknown.
    """
    import numpy as np

    names = sorted(inventory.expected_keys(entry, (clip.clip for clip in clips)))
    if len(names) != entry.clips:
        raise InputError(
            f"{entry.name}: splits.published_seed deals out all {entry.clips} clips of the set, of which {len(names)} "
            "are here; leave it out or use the whole set"
        )
    order = np.random.RandomState(TT_RNN_SEED).choice(len(names), len(names), replace=False)
    fold_of = {names[place]: fold for fold, block in enumerate(np.array_split(order, FOLDS)) for place in block}
    return {clip.clip: fold_of[clip.key] for clip in clips}


def group_folds(clips: Sequence[Clip], folds: int) -> dict[str, int]:
    """Return each clip's test fold: the groups that are present, in the order of their numbers, divided evenly.

    Groups with names are dealt out in turn, class by class. With fewer groups than folds, each of the first has one.
    """
    if not all(clip.group.isdecimal() for clip in clips):
        names = dict.fromkeys(clip.group for clip in sorted(clips, key=attrgetter("label", "group")))
        turn = {group: rank % folds for rank, group in enumerate(names)}
        return {clip.clip: turn[clip.group] for clip in clips}
    groups = sorted({int(clip.group) for clip in clips})
    fold_of = {group: rank * min(folds, len(groups)) // len(groups) for rank, group in enumerate(groups)}
    return {clip.clip: fold_of[int(clip.group)] for clip in clips}


def train_and_test(
    entry: Dataset, clips: Sequence[Clip], protocol: str, fold: int, seed: int, published_seed: str | None = None
) -> dict[str, str]:
    """Return each clip's part: train, test or unused. `add_validation` then moves some to validation."""
    if protocol in SIBLINGS:
        return with_siblings(clips, SIBLINGS[protocol], fold, seed)
    if protocol == "group" and entry.official:
        return {clip.clip: OFFICIAL_PARTS[clip.official[fold : fold + 1]] for clip in clips}
    if protocol == "group":
        tested_in = group_folds(clips, entry.group_folds)
    else:
        tested_in = tt_rnn_folds(entry, clips) if published_seed else random_folds(clips, seed)
    return {clip.clip: TEST if tested_in[clip.clip] == fold else TRAIN for clip in clips}


def with_siblings(clips: Sequence[Clip], share: float, fold: int, seed: int) -> dict[str, str]:
    """Return parts in which `share` of the test clips have a sibling in train, up to rounding to whole sources.

    In every class up to half of the sources are tested, each with half of its clips, the same for every share. For each
    of them, train has either its other clips or as many clips of a source that is not tested: every share has the same
    number of training clips and sources per class. The remaining clips are unused; each fold is drawn independently.
    """
    exchanges = []  # test clips, their siblings, and what replaces the siblings
    for label, sources in sorted(by_source(clips).items()):
        order = sorted(sources, key=lambda source: shuffle_key(seed, f"{fold}/{label}/{source}"))
        tested = [source for source in order if len(sources[source]) > 1][: len(order) // 2]
        if not tested:
            raise InputError(
                f"class {label!r} needs two sources, one of them with two clips, so that test clips can have "
                "siblings in training or none; use more of the set"
            )
        others = [source for source in order if source not in tested]
        for rank, (source, other) in enumerate(zip(tested, others, strict=False)):
            names = sorted(sources[source], key=lambda name: shuffle_key(seed, f"{fold}/{name}"))
            test, siblings = names[: len(names) // 2], names[len(names) // 2 :]
            n = min(len(siblings), len(sources[other]))
            place = rank / len(tested), shuffle_key(seed, f"{fold}/{label}")  # all classes gain siblings evenly
            exchanges.append((place, test, siblings[:n], sources[other][:n]))
    exchanges.sort()
    exposed = _closest_to_share([test for _, test, _, _ in exchanges], share, leave=0)
    parts = {clip.clip: UNUSED for clip in clips}
    for _, test, siblings, others in exchanges:
        parts |= dict.fromkeys(test, TEST) | dict.fromkeys(siblings if test[0] in exposed else others, TRAIN)
    return parts


def add_validation(
    clips: Sequence[Clip], part_of: Mapping[str, str], protocol: str, share: float, seed: int, by_clip: bool = False
) -> dict[str, str]:
    """Move about `share` of the training clips of every class to validation, as the protocol draws its test part.

    Under `random` clip by clip, under `group` by whole sources unless `by_clip`; at least one of a class moves. Raises
    InputError for a class of which none would remain in train.
    """
    by_clip |= protocol == "random"
    after = dict(part_of)
    for label, sources in sorted(by_source(clip for clip in clips if part_of[clip.clip] == TRAIN).items()):
        units: dict[str, list[str]] = sources
        if by_clip:
            units = {name: [name] for names in sources.values() for name in names}
        if share and len(units) == 1:
            unit = "clip" if by_clip else "source"
            raise InputError(
                f"a validation part would leave class {label!r} no training clip, as it has a single training {unit}; "
                f"set splits.validation.{protocol} to 0 or use more of the set"
            )
        order = sorted(units, key=lambda name: shuffle_key(seed, f"{label}/{name}"))
        after |= dict.fromkeys(_closest_to_share([units[name] for name in order], share), VALIDATION)
    return after


def by_source(clips: Iterable[Clip]) -> dict[str, dict[str, list[str]]]:
    """Return the names of the clips by class and source."""
    found: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for clip in clips:
        found[clip.label][clip.source].append(clip.clip)
    return found


def _closest_to_share(units: list[list[str]], share: float, leave: int = 1) -> list[str]:
    """Return the clips of each unit that brings their share closer to `share`; leave at least `leave` units."""
    target = share * sum(map(len, units))
    taken: list[str] = []
    left = len(units)
    for clips in units:
        if left > leave and abs(len(taken) + len(clips) - target) < abs(len(taken) - target):
            taken += clips
            left -= 1
    return taken if taken or not share else min(units, key=len)
