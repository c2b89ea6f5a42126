"""Every clip of the three data sets by its real name, in the real archive layouts, over a bad network.

The clips are tiny; their number, names, archives and the way they take are those of the real sets.
"""

import hashlib
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
import server as loopback
from rar_writer import rar3
from small_data import tar_of, zip_of

from workflow.datasets import catalogue, download, fetch, frames, splits, unpack
from workflow.datasets.decode import decode
from workflow.datasets.source import Source
from workflow.storage.files import read_csv, read_json

pytestmark = pytest.mark.slow
TEMPLATES = 20
CORRUPT = 97  # every 97th clip, about 1 %


@dataclass(frozen=True)
class Case:
    name: str
    archive: str  # the file's name at its source
    pack: Callable[[Mapping[str, bytes]], bytes]
    classes: int
    tested: tuple[int, ...]  # clips tested in each fold of the protocol group, were none corrupt


def hmdb51_rar(members: Mapping[str, bytes]) -> bytes:
    """hmdb51_org.rar holds an archive a class."""
    classes: dict[str, dict[str, bytes]] = {}
    for name, data in members.items():
        classes.setdefault(name.partition("/")[0], {})[name] = data
    return rar3({f"{label}.rar": rar3(inner) for label, inner in classes.items()})


def ucf11_zip(members: Mapping[str, bytes]) -> bytes:
    extra = {f"{path.rpartition('/')[0]}/Annotation/a.xgtf": b"<xml/>" for path in members}
    folder = {name.replace(".mpg", ".avi"): data for name, data in members.items()} | extra
    return zip_of({f"action_youtube_naudio/{name}": data for name, data in folder.items()})


def celebrities_tar(members: Mapping[str, bytes]) -> bytes:
    return tar_of({f"ytcelebrity/{name}": data for name, data in members.items()})


CASES = (
    Case("ucf11", "YouTube_DataSet_Annotated.zip", ucf11_zip, 11, (328, 314, 306, 318, 334)),
    Case("ucf11", "UCF11_updated_mpg.rar", rar3, 11, (328, 314, 306, 318, 334)),
    Case("hmdb51", "hmdb51_org.rar", hmdb51_rar, 51, (1530, 1530, 1530)),
    Case("youtube_celebrities", "ytcelebrity.tar", celebrities_tar, 47, (738, 604, 568)),
)


def official_names(case: Case, lists: Path) -> list[str]:
    if case.name == "hmdb51":
        folder = lists / "hmdb51_testTrainMulti_7030_splits"
        return [
            f"{path.name.removesuffix('_test_split1.txt')}/{line.rpartition(' ')[0].rpartition(' ')[0]}"
            for path in sorted(folder.glob("*_test_split1.txt"))
            for line in path.read_text().splitlines()
        ]
    return (lists / f"{case.name}_clips.txt").read_text().split()


@pytest.fixture
def bad_network(server, monkeypatch):
    """serve(case, body, splits): give each download a dead mirror, a wrong one and one that breaks off."""

    def serve(case: Case, body: bytes, split_files: bytes) -> None:
        entry = catalogue.CATALOGUE[case.name]
        downloads = {}
        for role in entry.downloads:
            content = split_files if role == "splits" else body
            name = "splits.rar" if role == "splits" else case.archive
            md5 = hashlib.md5(content).hexdigest()
            paths = [f"/{mirror}/{name}" for mirror in ("home", "old", "good")]
            server.files |= dict(zip(paths, (content, content[::-1], content), strict=True))
            server.faults |= {
                paths[0]: [loopback.web_page()],
                paths[2]: [loopback.status(503), *(loopback.cut(len(content) // 5) for _ in range(3))],
            }
            downloads[role] = tuple(Source(server.url(path), md5=md5) for path in ("/gone", *paths))
        monkeypatch.setitem(catalogue.CATALOGUE, case.name, replace(entry, downloads=downloads))

    monkeypatch.setattr(fetch, "sleep", lambda seconds: None)
    return serve


@pytest.mark.parametrize("case", CASES, ids=[case.archive for case in CASES])
def test_all_clips_arrive_once(case, lists, clip, bad_network, server, tmp_path, monkeypatch):
    names = official_names(case, lists)
    templates = [clip(3 + i % 4, 16, 16, seed=i) for i in range(TEMPLATES)]
    corrupt = set(names[::CORRUPT])
    members = {name: b"damaged" * 40 if name in corrupt else templates[i % TEMPLATES] for i, name in enumerate(names)}
    folder = lists / "hmdb51_testTrainMulti_7030_splits"
    split_files = rar3({f"{folder.name}/{path.name}": path.read_bytes() for path in sorted(folder.iterdir())})
    bad_network(case, case.pack(members), split_files)

    data = tmp_path / "data"
    download.main(case.name, tmp_path / "resources", data / "source.json")
    asked = len(server.log)
    unpack.main(case.name, data / "source.json", tmp_path / "resources", data)
    frames.main(data / "listing.csv", data, count=2, width=8, height=8, workers=2, max_undecodable=0.02)
    splits.main(case.name, data / "clips.csv", data)

    report = read_json(data / "inventory.json")
    unsealed = {key: report[key] for key in report if key not in ("files", "seal")}
    assert unsealed | {"expected": 0, "found": 0} == {
        "expected": 0, "found": 0, "n_missing": 0, "missing": [], "extra": [], "duplicate": [],
    }  # fmt: skip
    assert report["expected"] == report["found"] == len(names)
    table = read_csv(data / "clips.csv", frames.COLUMNS)
    keys = {name.rpartition(".")[0]: name for name in names}
    assert sorted(row["clip"].rpartition(".")[0] for row in table) == sorted(keys)
    assert {keys[row["clip"].rpartition(".")[0]] for row in table if row["status"] != "ok"} == corrupt
    assert len({row["class"] for row in table}) == case.classes
    check_pictures(data, table, {key: members[name] for key, name in keys.items()}, templates, tmp_path)
    check_splits(case, data, table)

    download.main(case.name, tmp_path / "resources", data / "source.json")  # all is there: no address is asked again
    assert len(server.log) == asked


def check_pictures(data: Path, table: list, members: Mapping[str, bytes], templates: list, folder: Path) -> None:
    """Every row of the array shows the clip that the row of the table names."""
    expected = {b"damaged" * 40: np.zeros((2, 8, 8, 3), np.uint8)}
    for template in templates:
        (folder / "clip.avi").write_bytes(template)
        expected[template] = decode(folder / "clip.avi", 2, "linspace", 8, 8)[0]
    array = np.load(data / "frames.npy")
    assert len(array) == len(table)
    for row, pictures in zip(table, array, strict=True):
        assert (pictures == expected[members[row["clip"].rpartition(".")[0]]]).all(), row["clip"]


def check_splits(case: Case, data: Path, table: list) -> None:
    decoded = sum(row["status"] == "ok" for row in table)
    rows = read_csv(data / "splits.csv", splits.COLUMNS)
    for fold, tested in enumerate(case.tested):
        part = Counter(row["part"] for row in rows if (row["protocol"], row["fold"]) == ("group", str(fold)))
        assert sum(part.values()) == decoded
        assert tested - 30 <= part["test"] <= tested
    leakage = read_csv(data / "leakage.csv", ("protocol",))
    group = [row for row in leakage if row["protocol"] == "group"]
    assert {float(row["test_with_sibling_in_train"]) for row in group} == {0.0}
    of_any_class = [float(row["test_with_sibling_of_any_class"]) for row in group]
    assert all(0.28 < share < 0.36 for share in of_any_class) if case.name == "hmdb51" else not any(of_any_class)
