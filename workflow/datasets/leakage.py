"""What a split gives away: test clips with a sibling, cut from the same source, among those trained on.

Siblings are counted twice. Those of the same class show the answer. Those of any class show the place, the people
and the camera, which official splits made class by class let through: many of HMDB51's films are in several.
Sources are told apart by their names, all that the sets give: parts of one film may have names of their own, and two
uploads may share a title.
"""

from collections import Counter
from collections.abc import Hashable, Mapping, Sequence
from math import comb

from workflow.datasets.protocols import TEST, TRAIN, VALIDATION, Row


def share_with_sibling(rows: Sequence[Row], part_of: Mapping[str, str], any_class: bool = False) -> float:
    """Share of the test clips of which a sibling (same source; same class, or any) is in train or validation."""
    seen = {_family(row, any_class) for row in rows if part_of[row.clip] in (TRAIN, VALIDATION)}
    tested = [row for row in rows if part_of[row.clip] == TEST]
    return sum(_family(row, any_class) in seen for row in tested) / len(tested)


def expected_share(rows: Sequence[Row], folds: int, any_class: bool = False) -> float:
    """The same share for a random clip-level split, on average over all of them (hypergeometric).

    A test clip of a source of k clips has no sibling in train if the k - 1 others are among the other
    n_test - 1 test clips.
    """
    n = len(rows)
    sizes = Counter(_family(row, any_class) for row in rows)
    without = 0.0
    for fold in range(min(folds, n)):  # of fewer clips than folds, some folds test nothing
        n_test = len(range(fold, n, folds))
        for size in sizes.values():
            # each of its clips is tested in this fold with probability n_test / n
            alone = comb(n_test - 1, size - 1) / comb(n - 1, size - 1)
            without += size * n_test / n * alone
    return 1.0 - without / n


def _family(row: Row, any_class: bool) -> Hashable:
    return row.source if any_class else row.family
