"""A data set of the user's own: what is wrong with its entry or its inventory is one sentence."""

import subprocess
import sys
from dataclasses import replace
from pathlib import PurePosixPath

import pytest
import yaml

from workflow.datasets import catalogue, inventory, listing, make_inventories, unpack
from workflow.datasets.layouts import Layout
from workflow.datasets.protocols import group_folds
from workflow.storage import seal
from workflow.storage.command_line import call
from workflow.storage.errors import InputError

ENTRY = """
toy:
  title: Toy clips
  downloads: {}
  layout:
    pattern: <part>/<class>/<source>-<number>.avi
    regex: '[^/]+/(?P<label>[^/]+)/(?P<source>[^/]+)-\\d+\\.avi'
  group_folds: 2
  download_gb: 0.1
  licence: CC0
  citation: ""
"""
NAMES = [
    f"{part}/{label}/{source}-{n}.avi"
    for part, source in (("old", "anna"), ("new", "ben"))
    for label in ("hop", "run")
    for n in (1, 2)
]


@pytest.fixture
def toy(tmp_path, monkeypatch):
    """The entry, registered; its inventory is in tmp_path."""
    layout = Layout(**yaml.safe_load(ENTRY)["toy"]["layout"])
    entry = replace(catalogue.CATALOGUE["demo"], name="toy", title="Toy clips", layout=layout)
    monkeypatch.setitem(catalogue.CATALOGUE, "toy", entry)
    monkeypatch.setattr(inventory, "FOLDER", tmp_path)
    inventory.load.cache_clear()
    yield entry
    inventory.load.cache_clear()


@pytest.fixture
def clips(tmp_path):
    for name in NAMES:
        (tmp_path / "clips" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "clips" / name).write_bytes(name.encode())
    return tmp_path / "clips"


def count(tmp_path, names):
    call(make_inventories.main, ["--dataset", "toy", "--names", str(names), "--output", str(tmp_path)])
    inventory.load.cache_clear()


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("toy:", "Toy-2:", r"Toy-2: 'Toy-2' should match pattern '\^\[a-z0-9_\]\+\$'"),
        ("title:", "titel:", "toy.titel: unknown key"),
        ("  licence: CC0\n", "", "toy: missing licence"),
        ("pattern:", "patern:", "toy.layout.patern: unknown key"),
        ("{}", "{clip: []}", r"toy.downloads.clip: 'clip' should match pattern '\^\(clips\|splits\)\$'"),
        ("{}", "{clips: [toy.zip]}", "toy.downloads.clips.0: 'toy.zip' should be a mapping of keys to values"),
        ("{}", "{clips: [{uri: x}]}", "toy.downloads.clips.0.uri: unknown key|toy.downloads.clips.0: missing url"),
        ("group_folds: 2", "group_folds: 1", "toy.group_folds: 1 should be greater than or equal to 2"),
        ("(?P<label>", "(?P<label", "toy.layout: regex .* is invalid: bad character in group name"),
        ("?P<label>", "", r"toy.layout: regex .* names the groups \['source'\]; expected label, and group or source"),
        ("?P<source>", "", r"toy.layout: regex .* names the groups \['label'\]; expected label, and group or source"),
        ("    regex:", "    names: '{lable}'\n    regex:", r"toy.layout: .* names '\{lable\}' is invalid: 'lable'"),
        ("  title:", "    title:", "not valid YAML: line 4: "),
        (ENTRY, "toy:", "toy: None should be a mapping of keys to values"),
        ("  title: Toy clips", "  title: a\n  title: b", "line 4: 'title' appears twice"),
    ],
)
def test_a_mistake_in_the_catalogue_names_file_entry_and_key(tmp_path, old, new, message):
    path = tmp_path / "catalogue.yaml"
    assert old in ENTRY
    path.write_text(ENTRY.replace(old, new))
    with pytest.raises(InputError, match=rf"^{path}: ({message})") as caught:
        catalogue.load(path)
    assert "\n" not in str(caught.value)


def test_a_mistake_in_a_file_that_is_read_at_import_is_one_line(root):
    code = (
        "import sys, workflow.storage.yaml_file as file\n"
        "file.read = lambda path: ('', {'toy': {}})\n"
        "import workflow.datasets.catalogue"
    )
    code = f"import sys; sys.argv[0] = '-m'\n{code}"  # as a program of ours
    run = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True)
    assert run.returncode == 1
    assert run.stderr.startswith(f"error: {root}/workflow/datasets/catalogue.yaml: toy: missing citation, download_gb")
    assert run.stderr.count("\n") == 1


def test_an_inventory_is_counted_from_a_folder_of_clips(toy, clips, tmp_path):
    (clips / "README.txt").touch()
    (clips / NAMES[0]).with_suffix(".mpg").touch()
    with pytest.raises(InputError, match=r"'old/hop/anna-1\.mpg' does not follow the layout <part>/<class>/"):
        count(tmp_path, clips)
    (clips / NAMES[0]).with_suffix(".mpg").unlink()
    count(tmp_path, clips)
    (tmp_path / "toy.txt").write_text("\n".join(NAMES))
    before = (tmp_path / "toy.json").read_text()
    count(tmp_path, tmp_path / "toy.txt")
    assert (tmp_path / "toy.json").read_text() == before
    assert (toy.clips, toy.classes) == (8, ("hop", "run"))


def test_an_inventory_without_clips_is_not_written(toy, tmp_path):
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty.txt").touch()
    for names in ("empty", "empty.txt"):
        with pytest.raises(
            InputError, match=rf"{names}: names no clip; expected at least one, <part>/<class>/<source>"
        ):
            count(tmp_path, tmp_path / names)
    assert not (tmp_path / "toy.json").exists()


def test_the_class_is_where_the_layout_says(toy, clips, tmp_path):
    """Neither the first folder, nor named by numbers."""
    count(tmp_path, clips)
    found = listing.clips_of(toy, clips, listing.walk(clips))
    report = inventory.compare(toy, found.values())
    assert (report["n_missing"], report["extra"]) == (0, [])
    report = inventory.compare(toy, [clip for clip in found.values() if clip.clip != NAMES[0]])
    assert report["missing"] == ["hop: 1 clips"]
    for name in NAMES:
        if "/run/" in name:
            (clips / name).unlink()
    with pytest.raises(InputError, match=r"clips/old/run: the folder of class 'run' contains no clip"):
        listing.clips_of(toy, clips, listing.walk(clips))


def test_none_of_the_clips_in_the_inventory_is_one_sentence(toy, clips, tmp_path):
    (tmp_path / "other.txt").write_text("old/jump/anna-1.avi")
    count(tmp_path, tmp_path / "other.txt")
    seal.write(tmp_path / "source.json", {"sources": {"clips": {"file": str(clips)}}})
    given = ["--dataset", "toy", "--origin", tmp_path / "source.json", "--resources", tmp_path, "--output", tmp_path]
    with pytest.raises(InputError, match=r"toy: the inventory has none of the 8 clips that are here \(new/hop/ben-1"):
        call(unpack.main, [*given, "--partial"])
    assert not (tmp_path / "listing.csv").exists()


def test_named_groups_are_dealt_out_class_by_class():
    layout = Layout("<class>/<source>-<n>.avi", r"(?P<label>\w+)/(?P<source>\w+)-\d+\.avi")
    names = [f"{label}/{label}_{who}-{n}.avi" for label in ("hop", "run") for who in "abcd" for n in (1, 2)]
    clips = [layout.parse(PurePosixPath(name)) for name in [*names, "run/both-1.avi", "hop/both-1.avi"]]
    folds = group_folds(clips, 2)
    assert folds == group_folds(clips[::-1], 2)
    for clip in clips:
        assert folds[clip.clip] == folds[next(other.clip for other in clips if other.source == clip.source)]
    for label in ("hop", "run"):
        tested = [fold for name, fold in folds.items() if name.startswith(label) and "both" not in name]
        assert (tested.count(0), tested.count(1)) == (4, 4)
    numbered = [replace(clip, group=number) for clip, number in zip(clips, ["10", "9", "08"] * 6, strict=True)]
    assert [group_folds(numbered, 3)[clip.clip] for clip in numbered[:3]] == [2, 1, 0]
