"""The generated data set goes through the same steps as the real ones and is as hard as intended."""

import shutil
import zipfile
from pathlib import Path

import numpy as np
import pytest

from workflow.datasets import download, frames, generate, inventory, splits, unpack
from workflow.datasets.catalogue import CATALOGUE
from workflow.datasets.generate import CLASSES
from workflow.storage.errors import InputError
from workflow.storage.files import read_csv, read_json, write_json
from workflow.storage.seal import DamagedError, sealed

DEMO = CATALOGUE["demo"]


@pytest.fixture(scope="session")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("demo") / "demo.zip"
    generate.main(path)
    return path


@pytest.fixture(scope="session")
def prepared(archive: Path) -> Path:
    resources, output = archive.parent, archive.parent / "data"
    download.main("demo", resources, output / "source.json", archive)
    unpack.main("demo", output / "source.json", resources, output)
    frames.main(output / "listing.csv", output, width=40, height=30, workers=2)
    splits.main("demo", output / "clips.csv", output)
    return output


def test_the_archive_is_the_inventory(archive):
    names = zipfile.ZipFile(archive).namelist()
    keys = {name.removeprefix("demo/").removesuffix(".avi") for name in names}
    assert keys == inventory.expected_keys(DEMO)
    assert len(names) == len(keys) == DEMO.clips
    assert set(CLASSES) == set(DEMO.classes)


def test_the_same_seed_gives_the_same_bytes(tmp_path, monkeypatch):
    small = {"clips": 2, "classes": {"expand": {"clips": 2, "stem": "v_grow", "groups": [1, 1]}}}
    monkeypatch.setattr(inventory, "load", lambda name: small)
    for name, seed in (("a", 0), ("b", 0), ("c", 1)):
        generate.generate(tmp_path / name, seed)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes() != (tmp_path / "c").read_bytes()


def test_every_step_leaves_its_files(prepared):
    table = read_csv(prepared / "clips.csv", frames.COLUMNS)
    assert len(table) == DEMO.clips
    assert {row["status"] for row in table} == {"ok"}
    assert {row["width"] + "x" + row["height"] for row in table} == {"80x60"}
    report = read_json(prepared / "inventory.json")
    assert {key: report[key] for key in report if key not in ("files", "seal")} == {
        "expected": 400, "found": 400, "n_missing": 0, "missing": [], "extra": [], "duplicate": [],
    }  # fmt: skip
    leakage = read_csv(prepared / "leakage.csv", ("protocol",))
    for column in ("test_with_sibling_in_train", "test_with_sibling_of_any_class"):
        assert {(row["protocol"], float(row[column])) for row in leakage} == {("group", 0.0), ("random", 1.0)}
    digests = read_json(prepared / "splits.json")["digests"]
    assert set(digests) == {f"{protocol}/{fold}" for protocol in ("group", "random") for fold in range(5)}


def test_a_damaged_archive_is_to_be_generated_again(archive, tmp_path):
    damaged, origin = tmp_path / "demo.zip", tmp_path / "source.json"
    for file in (archive, archive.with_name("demo.zip.json")):
        shutil.copy(file, tmp_path)
    download.main("demo", tmp_path, origin, damaged)
    damaged.write_bytes(archive.read_bytes()[:-1])
    with pytest.raises(DamagedError, match=rf"\. Delete {damaged} and {origin} and rerun, to generate it again"):
        unpack.main("demo", origin, tmp_path, tmp_path)


def nearest_neighbour(prepared: Path, protocol: str, pictures: np.ndarray) -> float:
    """Accuracy of the class of the most similar training picture (clips, features), mean of all folds."""
    label = np.array([row["class"] for row in read_csv(prepared / "clips.csv", ("class",))])
    place = {row["clip"]: i for i, row in enumerate(read_csv(prepared / "clips.csv", ("clip",)))}
    table = [row for row in read_csv(prepared / "splits.csv", splits.COLUMNS) if row["protocol"] == protocol]
    right = []
    for fold in "01234":
        part = {row["clip"]: row["part"] for row in table if row["fold"] == fold}
        train = [place[clip] for clip in part if part[clip] == "train"]
        test = [place[clip] for clip in part if part[clip] == "test"]
        distances = ((pictures[test][:, None] - pictures[train][None]) ** 2).sum(-1)
        right += (label[train][distances.argmin(1)] == label[test]).tolist()
    return float(np.mean(right))


def test_a_single_frame_predicts_the_source_and_hardly_the_class(prepared):
    """What makes the random protocol flatter: 0.125 is chance."""
    middle = np.load(prepared / "frames.npy")[:, 3, ::3, ::3].reshape(DEMO.clips, -1).astype(float)
    assert nearest_neighbour(prepared, "random", middle) > 0.5
    assert nearest_neighbour(prepared, "group", middle) < 0.25


def test_a_generated_archive_that_has_changed_is_not_used(tmp_path):
    archive, output = tmp_path / "demo.zip", tmp_path / "source.json"
    archive.write_bytes(b"1")
    write_json(tmp_path / "demo.zip.json", sealed({}, {"demo.zip": "0" * 64}))
    with pytest.raises(DamagedError, match=r"demo\.zip is corrupt"):
        download.main("demo", tmp_path, output, archive)
    with pytest.raises(InputError, match="demo is not downloaded but generated"):
        download.main("demo", tmp_path, output)
    assert not output.exists()
