"""The compact inventories say exactly what the official lists say."""

import json
import re

import pytest

from workflow.datasets import catalogue, inventory, make_inventories
from workflow.datasets.catalogue import CATALOGUE
from workflow.datasets.layouts import Clip
from workflow.datasets.protocols import folds
from workflow.storage.command_line import call
from workflow.storage.errors import InputError


@pytest.mark.parametrize(("name", "clips", "classes"), [("ucf11", 1600, 11), ("hmdb51", 6766, 51)])
def test_sizes(name, clips, classes):
    assert CATALOGUE[name].clips == clips
    assert len(CATALOGUE[name].classes) == classes


def test_youtube_celebrities_has_three_sources_a_person():
    entries = inventory.load("youtube_celebrities")["classes"].values()
    assert len(entries) == 47
    assert {len(entry["groups"]) for entry in entries} == {3}
    by_source = [sum(entry["groups"][source] for entry in entries) for source in range(3)]
    assert by_source == [738, 604, 568]


def test_ucf11_has_25_groups_a_class_and_the_folds_of_the_protocol():
    entries = inventory.load("ucf11")["classes"].values()
    assert {len(entry["groups"]) for entry in entries} == {25}
    tested = [sum(sum(entry["groups"][5 * fold : 5 * fold + 5]) for entry in entries) for fold in range(5)]
    assert tested == [328, 314, 306, 318, 334]


def test_the_script_gives_the_inventories_that_are_committed(lists, tmp_path):
    (tmp_path / "demo.txt").write_text(
        "\n".join(f"demo/{key}.avi" for key in inventory.expected_keys(CATALOGUE["demo"]))
    )
    names = {
        "ucf11": lists / "ucf11_clips.txt",
        "hmdb51": lists / "hmdb51_testTrainMulti_7030_splits",
        "youtube_celebrities": lists / "youtube_celebrities_clips.txt",
        "demo": tmp_path / "demo.txt",
    }
    assert {path.stem for path in inventory.FOLDER.iterdir()} == set(names)
    for name, path in names.items():
        call(make_inventories.main, ["--dataset", name, "--names", str(path), "--output", str(tmp_path)])
        assert (tmp_path / f"{name}.json").read_text() == (inventory.FOLDER / f"{name}.json").read_text(), name


def test_names_that_follow_from_counts_are_the_official_ones(lists):
    for name, file in (("ucf11", "ucf11_clips.txt"), ("youtube_celebrities", "youtube_celebrities_clips.txt")):
        official = {line.rpartition(".")[0] for line in (lists / file).read_text().split()}
        assert inventory.expected_keys(CATALOGUE[name]) == official


def test_the_digest_of_the_names_is_kept_for_all_sets():
    import hashlib

    for name in ("ucf11", "youtube_celebrities", "demo"):
        keys = "\n".join(sorted(inventory.expected_keys(CATALOGUE[name])))
        assert hashlib.sha256(keys.encode()).hexdigest() == inventory.load(name)["keys_sha256"]


def clips(name: str) -> list[Clip]:
    layout = CATALOGUE[name].layout
    from pathlib import PurePosixPath

    return [layout.parse(PurePosixPath(f"{key}.avi")) for key in sorted(inventory.expected_keys(CATALOGUE[name]))]


def test_missing_extra_and_duplicate_clips_are_listed_by_name():
    found = clips("ucf11")
    lost = found.pop(7)
    twice = Clip(found[3].key + ".mpg", found[3].label, found[3].group, found[3].source)
    extra = Clip("basketball/v_shooting_26/v_shooting_26_01.avi", "basketball", "26", "v_shooting_26")
    report = inventory.compare(CATALOGUE["ucf11"], [*found, twice, extra])
    assert report["missing"] == [lost.key]
    assert report["duplicate"] == [twice.clip]
    assert report["extra"] == [extra.clip]
    assert (report["expected"], report["found"], report["n_missing"]) == (1600, 1600, 1)


def test_without_names_the_missing_are_counted_by_class():
    report = inventory.compare(CATALOGUE["hmdb51"], [Clip("wave/a.avi", "wave", "a", "a")])
    assert report["n_missing"] == 6765
    assert "wave: 103 clips" in report["missing"]


def test_without_names_clips_that_were_added_or_renamed_are_noticed(monkeypatch):
    own = [Clip(f"wave/{name}.avi", "wave", name, name) for name in ("a", "b", "c", "d")]
    counted = make_inventories.count(own[:3], "")
    monkeypatch.setattr(inventory, "load", lambda name: counted)
    other = Clip("jump/a.avi", "jump", "a", "a")  # of a class that the inventory does not have
    report = inventory.compare(CATALOGUE["hmdb51"], [*own[:3], other])
    assert (report["n_missing"], report["extra"]) == (0, [other.clip])
    for found in (own, own[1:]):
        with pytest.raises(InputError, match="hmdb51: its clips are not those of its inventory; count it again"):
            inventory.compare(CATALOGUE["hmdb51"], found)


def test_clips_that_a_part_of_the_official_lists_does_not_name_are_missing():
    found = [Clip("wave/a.avi", "wave", "a", "a")]
    report = inventory.compare(CATALOGUE["hmdb51"], found, ["wave/a.avi", "wave/b.avi"])
    assert (report["missing"], report["n_missing"]) == (["wave/b"], 6765)


def test_folds_of_each_protocol():
    assert {name: (folds(name, "group"), folds(name, "random")) for name in CATALOGUE} == {
        "ucf11": (5, 5),
        "hmdb51": (3, 5),
        "youtube_celebrities": (3, 5),
        "demo": (5, 5),
    }


def test_unknown_names_are_answered_with_the_known_ones():
    with pytest.raises(InputError, match="data set 'ucf12' is unknown; expected one of ucf11, hmdb51"):
        catalogue.dataset("ucf12")
    with pytest.raises(InputError, match="protocol 'grouped' of ucf11 is unknown; expected group, random, siblings_0"):
        folds("ucf11", "grouped")


def test_a_new_data_set_is_an_entry_and_a_counted_list(tmp_path, monkeypatch):
    """The way to add one, from the entry to its splits."""
    from dataclasses import replace

    from workflow.datasets.protocols import train_and_test

    names = [f"{label}/s_{g:02d}/s_{g:02d}_{c:02d}.mpg" for label in ("hop", "skip") for g in (1, 2) for c in (1, 2, 3)]
    entry = replace(CATALOGUE["ucf11"], name="jumps", title="Jumps", group_folds=2)
    monkeypatch.setitem(CATALOGUE, "jumps", entry)
    monkeypatch.setattr(inventory, "FOLDER", tmp_path)
    with pytest.raises(InputError, match=r"jumps\.json: no such file; data set 'jumps' needs an inventory, written by"):
        entry.classes  # noqa: B018
    (tmp_path / "names.txt").write_text("\n".join(names))
    given = ["--dataset", "jumps", "--names", str(tmp_path / "names.txt")]
    call(make_inventories.main, [*given, "--output", str(tmp_path)])
    assert entry.classes == ("hop", "skip")
    assert inventory.expected_keys(entry) == {name.removesuffix(".mpg") for name in names}
    parts = [train_and_test(entry, clips("jumps"), "group", fold, 0).values() for fold in (0, 1)]
    assert [list(part).count("test") for part in parts] == [6, 6]
    (tmp_path / "names.txt").write_text("\n".join(names[1:]))
    with pytest.raises(InputError, match=r"not numbered as the layout's `names` requires: \{label\}/\{stem\}_"):
        call(make_inventories.main, [*given, "--output", str(tmp_path)])
    (tmp_path / "names.txt").write_text("hop/readme.txt")
    with pytest.raises(InputError, match=r"'hop/readme\.txt' does not follow the layout <class>/"):
        call(make_inventories.main, [*given, "--output", str(tmp_path)])


def test_citations_are_in_the_bibliography(root):
    known = set(re.findall(r"^@\w+\{(\w+),", (root / "paper" / "references.bib").read_text(), flags=re.MULTILINE))
    assert {entry.citation for entry in CATALOGUE.values()} - {""} <= known


def test_no_list_of_names_is_committed():
    """Facts are counted; of HMDB51 not even the groups' names are here."""
    text = json.dumps(inventory.load("hmdb51"))
    assert ".avi" not in text
    assert "_nm_np" not in text
