"""Protocols that fix the share of test clips with a sibling in training, and change nothing else."""

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from listed_clips import DEMO, SEED, SOURCES, UCF11, YOUTUBE_CELEBRITIES, clips_of, made

from workflow.datasets.protocols import SIBLINGS, TEST, TRAIN, by_source, with_siblings
from workflow.datasets.splits import share_with_sibling, split
from workflow.storage.errors import InputError

DOSES = [*SIBLINGS.items()]


@settings(max_examples=40, deadline=None)
@given(classes=st.lists(SOURCES, min_size=2, max_size=6), fold=st.integers(0, 4), seed=st.integers(0, 9))
def test_a_dose_of_siblings_changes_nothing_else(classes, fold, seed):
    clips = made([[*sizes, 2] for sizes in classes])
    drawn = {dose: with_siblings(clips, dose, fold, seed) for _, dose in DOSES}
    for part in (TEST, TRAIN):
        kept = {dose: [clip for clip in clips if part_of[clip.clip] == part] for dose, part_of in drawn.items()}
        sizes = {tuple(sorted(Counter(clip.label for clip in found).items())) for found in kept.values()}
        sources = {
            tuple((label, len(found)) for label, found in sorted(by_source(found).items())) for found in kept.values()
        }
        assert len(sizes) == len(sources) == 1
        assert part == TRAIN or len({frozenset(found) for found in kept.values()}) == 1  # the same clips are tested
    tested = by_source(clip for clip in clips if drawn[0.0][clip.clip] == TEST)
    units = [len(names) for sources in tested.values() for names in sources.values()]
    for dose, part_of in drawn.items():
        assert abs(share_with_sibling(clips, part_of) - dose) <= max(units) / 2 / sum(units) + 1e-12


@pytest.mark.parametrize("entry", [UCF11, YOUTUBE_CELEBRITIES, DEMO], ids=lambda entry: entry.name)
def test_doses_of_the_whole_sets(entry):
    clips = clips_of(entry)
    for fold in range(5):
        rows = [split(entry, clips, protocol, fold, SEED, 0.0)[1] for protocol, _ in DOSES]
        for row, (_, dose) in zip(rows, DOSES, strict=True):
            assert abs(float(row["test_with_sibling_in_train"]) - dose) < 0.01
        assert len({(row["n_train"], row["n_test"], row["n_train_sources"]) for row in rows}) == 1
        assert rows[0]["n_train"] > len(entry.classes)


def test_a_class_with_a_single_source_has_no_dose():
    with pytest.raises(InputError, match="class '1' needs two sources, one of them with two clips"):
        with_siblings(made([[3, 2], [5]]), 0.5, 0, SEED)
