"""The validation part of a split: its share, its units, and what cannot be."""

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from listed_clips import SEED, SOURCES, UCF11, YOUTUBE_CELEBRITIES, clips_of, made

from workflow.datasets.protocols import TEST, TRAIN, VALIDATED, VALIDATION, add_validation, train_and_test
from workflow.datasets.splits import split
from workflow.storage.errors import InputError


@settings(max_examples=60, deadline=None)
@given(classes=st.lists(SOURCES, min_size=1, max_size=4), share=st.floats(0.01, 0.5), seed=st.integers(0, 9))
def test_validation_is_cut_by_whole_sources(classes, share, seed):
    clips = made(classes)
    after = add_validation(clips, {clip.clip: TRAIN for clip in clips}, "group", share, seed)
    for label, sources in enumerate(classes):
        mine = [clip for clip in clips if clip.label == str(label)]
        count = Counter(after[clip.clip] for clip in mine)
        assert count[TRAIN] >= 1
        assert count[VALIDATION] >= 1
        assert all(len({after[clip.clip] for clip in mine if clip.source == str(s)}) == 1 for s in range(len(sources)))
        # no further from the share than half of the largest source, or one source was the least there was
        off = abs(count[VALIDATION] - share * len(mine))
        assert off <= max(sources) or count[VALIDATION] == min(sources)


@settings(max_examples=60, deadline=None)
@given(classes=st.lists(SOURCES, min_size=1, max_size=4), share=st.floats(0.01, 0.5), seed=st.integers(0, 9))
def test_under_random_validation_is_cut_clip_by_clip(classes, share, seed):
    clips = made(classes)
    after = add_validation(clips, {clip.clip: TRAIN for clip in clips}, "random", share, seed)
    for label, sources in enumerate(classes):
        count = Counter(after[clip.clip] for clip in clips if clip.label == str(label))
        assert count[TRAIN] >= 1
        assert abs(count[VALIDATION] - max(1, share * sum(sources))) <= 0.5


@pytest.mark.parametrize(("protocol", "unit"), [("random", "clip"), ("group", "source")])
def test_a_class_that_validation_would_empty_is_named(protocol, unit):
    clips = made([[3, 2], [1]])
    train = {clip.clip: TRAIN for clip in clips}
    with pytest.raises(InputError, match=rf"class '1' no training clip, .* single training {unit}; set splits\.valid"):
        add_validation(clips, train, protocol, 0.15, SEED)
    assert add_validation(clips, train, protocol, 0.0, SEED) == train


@pytest.mark.parametrize("protocol", VALIDATED)
def test_however_large_the_share_every_class_keeps_a_training_clip(protocol):
    clips = made([[1, 1], [1, 1, 1]])
    after = add_validation(clips, {clip.clip: TRAIN for clip in clips}, protocol, 0.95, SEED)
    assert Counter(clip.label for clip in clips if after[clip.clip] == TRAIN) == {"0": 1, "1": 1}


def test_only_training_clips_move_to_validation():
    clips = clips_of(UCF11)
    for protocol in VALIDATED:
        before = train_and_test(UCF11, clips, protocol, 2, SEED)
        after = add_validation(clips, before, protocol, 0.15, SEED)
        moved = {clip for clip in after if after[clip] != before[clip]}
        assert moved == {clip for clip in after if after[clip] == VALIDATION}
        assert {before[clip] for clip in moved} == {TRAIN}
        count = Counter(after.values())
        assert abs(count[VALIDATION] / (count[TRAIN] + count[VALIDATION]) - 0.15) < 0.01


def test_a_validation_part_far_from_its_share_is_reported(capsys):
    """A person of YouTube Celebrities has two training sources, and one of them is moved whole."""
    clips = clips_of(YOUTUBE_CELEBRITIES)
    sizes = [split(YOUTUBE_CELEBRITIES, clips, "group", fold, SEED, 0.15)[1] for fold in range(3)]
    assert [(clip["n_train"], clip["n_validation"]) for clip in sizes] == [(735, 437), (821, 485), (886, 456)]
    assert {clip[f"n_{part}_sources"] for clip in sizes for part in (TRAIN, VALIDATION, TEST)} == {47}
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 3
    assert lines[0] == (
        "youtube_celebrities, group, fold 0: validation has 37.3% of the training clips (437 of 1172) "
        "instead of 15.0%, because a class has few clips, or few or large sources"
    )
    split(UCF11, clips_of(UCF11), "group", 0, SEED, 0.15)
    assert capsys.readouterr().err == ""
