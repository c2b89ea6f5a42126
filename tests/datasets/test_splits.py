"""Protocols, validation, leakage and the official splits of HMDB51."""

from collections import Counter
from dataclasses import replace
from pathlib import PurePosixPath

import numpy as np
import pytest
from listed_clips import DEMO, HMDB51, SEED, UCF11, YOUTUBE_CELEBRITIES, clips_of, made

from workflow.datasets import official
from workflow.datasets.catalogue import Dataset
from workflow.datasets.layouts import Clip
from workflow.datasets.protocols import (
    TEST,
    TRAIN,
    UNUSED,
    VALIDATED,
    VALIDATION,
    train_and_test,
    tt_rnn_folds,
)
from workflow.datasets.protocols import folds as number_of_folds
from workflow.datasets.splits import digest, main, share_with_sibling, split
from workflow.storage import seal
from workflow.storage.errors import InputError
from workflow.storage.files import read_csv, write_csv


def sizes_tested(entry: Dataset, clips: list[Clip], protocol: str, folds: int) -> list[int]:
    return [Counter(train_and_test(entry, clips, protocol, fold, SEED).values())[TEST] for fold in range(folds)]


def test_group_folds_of_the_whole_sets():
    assert sizes_tested(UCF11, clips_of(UCF11), "group", 5) == [328, 314, 306, 318, 334]
    assert sizes_tested(YOUTUBE_CELEBRITIES, clips_of(YOUTUBE_CELEBRITIES), "group", 3) == [738, 604, 568]
    assert sizes_tested(DEMO, clips_of(DEMO), "group", 5) == [80] * 5


@pytest.mark.parametrize("protocol", ["group", "random"])
def test_every_clip_is_tested_exactly_once(protocol):
    clips = clips_of(UCF11)
    count = Counter(
        clip
        for fold in range(5)
        for clip, part in train_and_test(UCF11, clips, protocol, fold, SEED).items()
        if part == TEST
    )
    assert set(count.values()) == {1}
    assert len(count) == 1600


def test_the_random_split_depends_on_the_seed_and_not_on_the_order():
    clips = clips_of(DEMO)
    one = train_and_test(DEMO, clips, "random", 0, 1)
    assert one == train_and_test(DEMO, clips[::-1], "random", 0, 1)
    assert one != train_and_test(DEMO, clips, "random", 0, 2)


def test_splits_are_the_ones_they_have_always_been():
    """Records of earlier runs name this digest."""
    table, _ = split(DEMO, clips_of(DEMO), "random", 0, SEED, 0.15)
    assert digest(table) == "f2c5f7ccabfd155db5c7dc6ab33adc63a83437e73d70ef63a952dd7ef02a0cd4"
    table, _ = split(DEMO, clips_of(DEMO), "group", 0, SEED, 0.15)
    assert digest(table) == "c63459fa89b6f52100dbc991b7d0c0814f075368ab95cea0158790f5b9fa6fd8"
    assert digest(table[::-1]) == digest(table)
    table, _ = split(DEMO, clips_of(DEMO), "siblings_50", 1, SEED, 0)
    assert digest(table) == "d32993f415040ce597b22d6cc974275878539e3b63720cce8c3822220a795a56"


@pytest.mark.parametrize("published_seed", [None, "tt_rnn"])
def test_leakage_of_the_whole_sets(lists, published_seed):
    """By the official lists of names: the share of test clips with a sibling in training alone."""
    for entry in (UCF11, YOUTUBE_CELEBRITIES):
        names = (lists / f"{entry.name}_clips.txt").read_text().split()
        clips = [entry.layout.parse(PurePosixPath(name)) for name in names]
        for protocol, share in (("random", 0.0), ("group", 0.15)):
            for fold in range(number_of_folds(entry.name, protocol)):
                _, row = split(entry, clips, protocol, fold, SEED, share, published_seed=published_seed)
                found = float(row["test_with_sibling_in_train"])
                assert found >= 0.99 if protocol == "random" else found == 0.0
                assert (row["n_validation"] > 0) == (share > 0)
                assert row["n_train"] + row["n_validation"] + row["n_test"] == entry.clips


def test_siblings_in_validation_are_none_in_training():
    clips = made([[2, 1]])
    part_of = dict(zip([clip.clip for clip in clips], (TEST, VALIDATION, TRAIN), strict=True))
    assert share_with_sibling(clips, part_of) == 0.0
    assert share_with_sibling(clips, part_of | {clips[1].clip: TRAIN}) == 1.0


def test_tt_rnns_permutation_is_the_one_of_its_code(lists):
    """As in its Experiment_UCF11.py: permute the sorted paths, test one of five blocks, train on all others."""
    names = sorted((lists / "ucf11_clips.txt").read_text().split())
    np.random.seed(11111986)
    shuffled = np.random.choice(range(len(names)), len(names), False)
    assert shuffled[:3].tolist() == [963, 396, 486]
    clips = [UCF11.layout.parse(PurePosixPath(name)) for name in names]
    for fold, tested in enumerate(np.array_split(np.arange(len(names)), 5)):
        part_of = train_and_test(UCF11, clips, "random", fold, SEED, published_seed="tt_rnn")
        assert {clip for clip, part in part_of.items() if part == TEST} == {names[i] for i in shuffled[tested]}
        assert Counter(part_of.values()) == {TEST: 320, TRAIN: 1280}


def test_tt_rnns_permutation_of_a_part_of_a_set_is_that_of_the_whole():
    clips = clips_of(UCF11)
    whole = tt_rnn_folds(UCF11, clips)
    assert tt_rnn_folds(UCF11, clips[::7]) == {clip.clip: whole[clip.clip] for clip in clips[::7]}
    some = [Clip("wave/a.avi", "wave", "a", "a")]
    with pytest.raises(
        InputError, match=r"hmdb51: splits\.published_seed deals out all 6766 clips of the set, of which 1"
    ):
        tt_rnn_folds(HMDB51, some)


def test_official_splits_of_hmdb51(lists):
    codes = official.read((lists / "hmdb51_testTrainMulti_7030_splits").iterdir(), HMDB51)
    assert len(codes) == 6766
    clips = clips_of(HMDB51, codes)
    for fold in range(3):
        part_of = train_and_test(HMDB51, clips, "group", fold, SEED)
        assert Counter(part_of.values()) == {TRAIN: 3570, TEST: 1530, UNUSED: 1666}
        assert share_with_sibling(clips, part_of) == 0.0


def test_sources_of_hmdb51_lie_on_both_sides_in_other_classes(lists, root):
    """The official splits are made class by class: a film trained on in one class is tested in another."""
    clips = clips_of(HMDB51, official.read((lists / "hmdb51_testTrainMulti_7030_splits").iterdir(), HMDB51))
    classes: dict[str, set[str]] = {}
    for clip in clips:
        classes.setdefault(clip.source, set()).add(clip.label)
    shared = {source for source, labels in classes.items() if len(labels) > 1}
    assert (len(classes), len(shared), sum(clip.source in shared for clip in clips)) == (1407, 271, 2992)
    assert len(classes["TheBoondockSaints"]) == 18
    shares = {
        (protocol, any_class): [
            round(100 * share_with_sibling(clips, train_and_test(HMDB51, clips, protocol, fold, SEED), any_class), 1)
            for fold in range(number_of_folds(HMDB51.name, protocol))
        ]
        for protocol in VALIDATED
        for any_class in (False, True)
    }
    assert shares == {
        ("group", False): [0.0, 0.0, 0.0],
        ("group", True): [29.9, 34.4, 34.6],
        ("random", False): [83.8, 82.0, 83.0, 83.9, 81.9],
        ("random", True): [93.6, 91.6, 93.0, 93.6, 92.4],
    }
    readme = " ".join((root / "README.md").read_text().split())
    assert sum(shares["group", True]) / 3 == pytest.approx(33, abs=1)
    assert "about a third of the test clips" in readme


def two_classes() -> list[Clip]:
    """A film in two classes, trained on in one and tested in the other, and films that keep to their class."""
    clips = (("run", "film", "1"), ("run", "a", "2"), ("walk", "film", "2"), ("walk", "b", "1"), ("walk", "b", "1"))
    return [Clip(f"{label}/{i}", label, source, source, code * 3) for i, (label, source, code) in enumerate(clips)]


def test_a_source_in_two_classes_is_a_sibling_of_any_class():
    clips = two_classes()
    part_of = train_and_test(HMDB51, clips, "group", 0, SEED)
    assert share_with_sibling(clips, part_of) == 0.0
    assert share_with_sibling(clips, part_of, any_class=True) == 0.5
    _, leakage = split(HMDB51, clips, "group", 0, SEED, 0.0)
    shares = [float(leakage[f"test_with_sibling_{where}"]) for where in ("in_train", "of_any_class")]
    assert shares == [0.0, 0.5]
    assert float(leakage["train_sources_per_class"]) == 1.0  # film in run, b in walk


def write_official(folder, label="wave", train=70, test=30, splits=(1, 2, 3)):
    for number in splits:
        lines = [f"a b!_{i}.avi {1 if i < train else 2 if i < train + test else 0} \n" for i in range(110)]
        (folder / f"{label}_test_split{number}.txt").write_text("".join(lines))


def test_official_files_are_read_and_checked(tmp_path):
    write_official(tmp_path)
    codes = official.read(tmp_path.iterdir(), HMDB51)
    assert codes["wave/a b!_0.avi"] == "111"
    assert codes["wave/a b!_109.avi"] == "000"
    write_official(tmp_path, test=29)
    with pytest.raises(InputError, match="official split 1 has 29 test clips of 'wave'; expected 30"):
        official.read(tmp_path.iterdir(), HMDB51)


def test_another_data_set_may_have_official_splits_of_its_own_number_and_sizes(tmp_path):
    own = replace(HMDB51, name="own", group_folds=2, clips_per_split=())
    write_official(tmp_path, train=5, test=7, splits=(1, 2))
    assert set(official.read(tmp_path.iterdir(), own).values()) == {"11", "22", "00"}
    write_official(tmp_path, train=5, test=7)
    with pytest.raises(InputError, match=r"wave_test_split3\.txt: expected splits 1 to 2, the group_folds of own"):
        official.read(tmp_path.iterdir(), own)


def test_official_files_that_contradict_themselves_or_others_are_named(tmp_path):
    write_official(tmp_path)
    with (tmp_path / "wave_test_split2.txt").open("a") as file:  # the counts stay as they are
        file.write("a b!_0.avi 2\na b!_99.avi 1\n")
    with pytest.raises(InputError, match=r"split2\.txt, line 111: 'a b!_0\.avi 2' has the code 1 in a line"):
        official.read(tmp_path.iterdir(), HMDB51)
    (tmp_path / "wave_test_split2.txt").write_bytes(b"na\xefve.avi 1\n")
    with pytest.raises(InputError, match=r"wave_test_split2\.txt: not UTF-8 text"):
        official.read(tmp_path.iterdir(), HMDB51)


def test_damaged_official_files_are_named(tmp_path):
    write_official(tmp_path, splits=(1, 2))
    with pytest.raises(InputError, match=r"wave_test_split3\.txt: lacks clip 'wave/a b!_0\.avi'"):
        official.read(tmp_path.iterdir(), HMDB51)
    write_official(tmp_path)
    (tmp_path / "wave_test_split2.txt").write_text("a b!_0.avi 3 \n")
    with pytest.raises(InputError, match=r"wave_test_split2\.txt, line 1: 'a b!_0\.avi 3 ' is not a clip and a code"):
        official.read(tmp_path.iterdir(), HMDB51)
    (tmp_path / "wave_test_split2.txt").write_text("a b!_0.avi 1 \n")
    with pytest.raises(
        InputError, match=r"wave_test_split2\.txt: lacks clip 'wave/a b!_1\.avi', which another split names"
    ):
        official.read(tmp_path.iterdir(), HMDB51)


def test_sources_are_counted_by_name_in_every_part():
    clips = [
        Clip(f"{label}/{s}/{c}", label, str(s), f"{label}{s}") for label in "ab" for s in range(1, 26) for c in "xy"
    ]
    _, sizes = split(UCF11, clips, "group", 0, SEED, 0.15)
    assert [sizes[f"n_{part}"] for part in (TRAIN, VALIDATION, TEST)] == [68, 12, 20]
    assert [sizes[f"n_{part}_sources"] for part in (TRAIN, VALIDATION, TEST)] == [34, 6, 10]


def test_a_partial_set_shares_its_groups_among_the_folds():
    clips = [clip for clip in clips_of(UCF11) if int(clip.group) <= 4]
    used = [set() for _ in range(5)]
    for fold in range(5):
        part_of = train_and_test(UCF11, clips, "group", fold, SEED)
        used[fold] = {clip.group for clip in clips if part_of[clip.clip] == TEST}
    assert used == [{"01"}, {"02"}, {"03"}, {"04"}, set()]


def test_two_groups_of_two_classes_give_two_folds_with_validation_clip_by_clip():
    clips = [clip for clip in clips_of(UCF11) if int(clip.group) in (7, 23) and clip.label in ("biking", "diving")]
    for fold, tested in enumerate(("07", "23")):
        rows, sizes = split(UCF11, clips, "group", fold, SEED, 0.15, by_clip=True)
        part_of = {row["clip"]: row["part"] for row in rows}
        assert {clip.group for clip in clips if part_of[clip.clip] == TEST} == {tested}
        assert float(sizes["test_with_sibling_in_train"]) == 0
        for part in (TRAIN, VALIDATION):
            assert {clip.label for clip in clips if part_of[clip.clip] == part} == {"biking", "diving"}
        with pytest.raises(InputError, match=r"as it has a single training source; set splits\.validation\.group to 0"):
            split(UCF11, clips, "group", fold, SEED, 0.15)
    with pytest.raises(InputError, match="ucf11: fold 2 of protocol 'group' has no test clip"):
        split(UCF11, clips, "group", 2, SEED, 0.15, by_clip=True)


def test_a_fold_that_cannot_be_is_named():
    clips = [clip for clip in clips_of(UCF11) if int(clip.group) <= 4]
    with pytest.raises(InputError, match="ucf11: fold 4 of protocol 'group' has no test clip"):
        split(UCF11, clips, "group", 4, SEED, 0.15)


def test_before_decoding_a_part_of_a_set_is_split_by_its_listing_without_the_folds_that_cannot_be(tmp_path, capsys):
    clips = [clip for clip in clips_of(UCF11) if int(clip.group) <= 4]
    rows = [[clip.clip, clip.label, clip.group, clip.source, clip.official] for clip in clips]
    columns = ("clip", "class", "group", "source", "official")
    write_csv(tmp_path / "listing.csv", columns, [dict(zip(columns, row, strict=True)) for row in rows])
    seal.write(tmp_path / "inventory.json", {}, ["listing.csv"])
    main("ucf11", tmp_path / "listing.csv", tmp_path, protocol=["group"])
    table = read_csv(tmp_path / "splits.csv", ("fold", "clip"))
    assert Counter(row["fold"] for row in table) == dict.fromkeys("0123", len(clips))
    printed = capsys.readouterr().err
    assert "warning: ucf11: fold 4 of protocol 'group' has no test clip" in printed
    assert f"folds of {len(clips)} clips: group 0, 1, 2, 3\n" in printed
    write_csv(tmp_path / "listing.csv", columns, [])
    with pytest.raises(seal.DamagedError):
        main("ucf11", tmp_path / "listing.csv")
