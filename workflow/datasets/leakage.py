"""What a split gives away: test clips with a sibling, cut from the same video, among those trained on."""

from collections import Counter
from collections.abc import Mapping, Sequence
from math import comb

from workflow.datasets.protocols import TEST, TRAIN, VALIDATION, Row


def share_with_sibling(rows: Sequence[Row], part_of: Mapping[str, str]) -> float:
    """Share of the test clips of which a sibling (same class, same source) is in train or validation."""
    seen = {row.family for row in rows if part_of[row.clip] in (TRAIN, VALIDATION)}
    tested = [row for row in rows if part_of[row.clip] == TEST]
    return sum(row.family in seen for row in tested) / len(tested)


def expected_share(rows: Sequence[Row], folds: int) -> float:
    """The same share for a random clip-level split, on average over all of them (hypergeometric).

    A test clip of a source of k clips has no sibling in train if the k - 1 others are among the other
    n_test - 1 test clips.
    """
    n = len(rows)
    sizes = Counter(row.family for row in rows)
    without = 0.0
    for fold in range(min(folds, n)):  # of fewer clips than folds, some folds test nothing
        n_test = len(range(fold, n, folds))
        for size in sizes.values():
            # each of its clips is tested in this fold with probability n_test / n
            alone = comb(n_test - 1, size - 1) / comb(n - 1, size - 1)
            without += size * n_test / n * alone
    return 1.0 - without / n
