"""Leakage of a split: the share of test clips with a sibling (a clip of the same source) in train or validation.

Siblings are counted twice. Those of the same class give away the label. Those of any class give away the place, the
people and the camera; official splits are made class by class and allow them, as many of HMDB51's films are in several
classes. Sources are compared by name, which is all that the sets give: one film may have several names, and two
uploads may share a title.
"""

from collections import Counter
from collections.abc import Hashable, Mapping, Sequence
from math import comb

from workflow.datasets.layouts import Clip
from workflow.datasets.protocols import TEST, TRAIN, VALIDATION


def share_with_sibling(clips: Sequence[Clip], part_of: Mapping[str, str], any_class: bool = False) -> float:
    """Share of the test clips that have a sibling, of the same class or of any, in train or validation."""
    seen = {_source(clip, any_class) for clip in clips if part_of[clip.clip] in (TRAIN, VALIDATION)}
    tested = [clip for clip in clips if part_of[clip.clip] == TEST]
    return sum(_source(clip, any_class) in seen for clip in tested) / len(tested)


def expected_share(clips: Sequence[Clip], folds: int, any_class: bool = False) -> float:
    """The mean of that share over all random clip-level splits (hypergeometric).

    A test clip whose source has k clips has no sibling outside test if the k - 1 others are among the other
    n_test - 1 test clips.
    """
    n = len(clips)
    sizes = Counter(_source(clip, any_class) for clip in clips)
    without = 0.0
    for fold in range(min(folds, n)):  # with fewer clips than folds, some folds test nothing
        n_test = len(range(fold, n, folds))
        for size in sizes.values():
            # each of its clips is tested in this fold with probability n_test / n
            alone = comb(n_test - 1, size - 1) / comb(n - 1, size - 1)
            without += size * n_test / n * alone
    return 1.0 - without / n


def _source(clip: Clip, any_class: bool) -> Hashable:
    return clip.source if any_class else (clip.label, clip.source)
