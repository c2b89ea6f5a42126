"""A user's own copy: noticed when it changes, accepted as folder or archive, refused in one sentence."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from rar_writer import rar3, rar5
from small_data import tar_of, tree, write_tree, zip_of

from workflow.datasets import download, listing, unpack
from workflow.datasets.listing import fingerprint, version
from workflow.storage.command_line import call
from workflow.storage.errors import InputError
from workflow.storage.files import read_csv, read_json

KEY = "datasets.ucf11.source"
NAMES = [f"biking/v_biking_{g:02d}/v_biking_{g:02d}_{c:02d}.avi" for g in (1, 2) for c in (1, 2)]


def prepare(source: Path, output: Path, *options: str, dataset: str = "ucf11") -> list[dict[str, str]]:
    """download and unpack by their command lines; rows of listing.csv."""
    resources = ["--resources", str(output / "resources")]
    own = ["--source", str(source), "--output", str(output / "source.json")]
    call(download.main, ["--dataset", dataset, *resources, *own])
    origin = ["--origin", str(output / "source.json"), "--output", str(output)]
    call(unpack.main, ["--dataset", dataset, *resources, *origin, *options])
    return read_csv(output / "listing.csv", ("clip", "class", "group", "source", "path"))


@pytest.fixture
def members(clip) -> dict[str, bytes]:
    return {name: clip(4) for name in NAMES}


def test_the_fingerprint_follows_names_sizes_and_times(tmp_path):
    folder = write_tree(tmp_path / "set", {"a/1.avi": b"one", "a/2.avi": b"two"})
    first = fingerprint(folder, KEY)
    assert fingerprint(str(folder), KEY) == first
    (folder / "a" / "1.avi").write_bytes(b"more")
    second = fingerprint(folder, KEY)
    (folder / "a" / "1.avi").rename(folder / "a" / "3.avi")
    third = fingerprint(folder, KEY)
    os.utime(folder / "a" / "2.avi", (1, 1))
    fourth = fingerprint(folder, KEY)
    (folder / "a" / "2.avi").unlink()
    fifth = fingerprint(folder, KEY)
    (folder / "a" / "nowhere.avi").symlink_to("gone")
    assert len({first, second, third, fourth, fifth, fingerprint(folder, KEY)}) == 6


def test_the_version_of_a_copy_follows_names_and_bytes_alone(tmp_path, members):
    def now():
        return version(folder, KEY, tmp_path / "source.json")

    folder = write_tree(tmp_path / "clips", members)
    first = now()
    prepare(folder, tmp_path, "--partial")
    assert now() == first
    for path in folder.rglob("*"):
        os.utime(path, (1, 1))
    companions = (".DS_Store", "biking/Thumbs.db", "biking/desktop.ini", f"biking/._{Path(NAMES[0]).name}")
    for name in companions:
        (folder / name).write_bytes(b"of a file manager")
    (folder / "biking" / "up").symlink_to("..")
    assert now() == first
    rows = prepare(folder, tmp_path, "--partial")
    assert [row["clip"] for row in rows] == NAMES
    assert read_json(tmp_path / "inventory.json")["extra"] == []
    clip = folder / NAMES[0]
    stat = clip.stat()
    clip.write_bytes(bytes(stat.st_size))
    second = now()
    clip.unlink()
    third = now()
    clip.symlink_to("gone")
    assert len({first, second, third, now()}) == 4


def test_the_recorded_version_is_taken_without_reading_a_file(tmp_path, members, monkeypatch):
    folder = write_tree(tmp_path / "clips", members)
    prepare(folder, tmp_path, "--partial")
    first = version(folder, KEY, tmp_path / "source.json")
    monkeypatch.setattr(listing, "content", lambda path: pytest.fail("a file was read"))
    assert version(folder, KEY, tmp_path / "source.json") == first


def test_a_copy_that_cannot_be_read_is_named(tmp_path, monkeypatch):
    def locked(path):
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(listing.seal, "digest", locked)
    (tmp_path / "set.zip").write_bytes(b"1")
    with pytest.raises(InputError, match=r"set\.zip: Permission denied; it was given as `datasets\.ucf11\.source`"):
        version(tmp_path / "set.zip", KEY, tmp_path / "source.json")


def test_a_folder_that_cannot_be_read_is_named(tmp_path, members, monkeypatch):
    folder = write_tree(tmp_path / "clips", members)
    scan = os.scandir

    def locked(path):
        if Path(path).name == "biking":
            raise PermissionError(13, "Permission denied", str(path))
        return scan(path)

    monkeypatch.setattr(os, "scandir", locked)
    with pytest.raises(InputError, match=f"{folder}/biking: Permission denied; expected a folder that can be read"):
        listing.walk(folder)


def test_the_fingerprint_of_an_archive(tmp_path):
    path = tmp_path / "set.zip"
    path.write_bytes(b"1")
    first = fingerprint(path, KEY)
    path.write_bytes(b"22")
    assert fingerprint(path, KEY) != first
    with pytest.raises(
        InputError, match=r"gone\.zip: no such file or folder; it was given as `datasets\.ucf11\.source`"
    ):
        fingerprint(tmp_path / "gone.zip", KEY)


def test_the_fingerprint_needs_no_torch(root):
    code = "import sys, workflow.datasets.listing, workflow.datasets.catalogue\n"
    code += "print(*map(sys.modules.get, ['torch', 'cv2']))"
    run = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True)
    assert run.stdout.split() == ["None", "None"]


def test_a_folder_is_listed_where_it_lies(tmp_path, members):
    rows = prepare(write_tree(tmp_path / "my clips", members), tmp_path, "--partial")
    assert [row["clip"] for row in rows] == NAMES
    assert [row["path"] for row in rows] == [str(tmp_path / "my clips" / name) for name in NAMES]
    assert {row["class"] for row in rows} == {"biking"}
    assert not (tmp_path / "resources").exists()
    assert read_json(tmp_path / "source.json")["sources"]["clips"]["fingerprint"] == fingerprint(
        tmp_path / "my clips", KEY
    )


@pytest.mark.parametrize("write", [zip_of, tar_of, rar3, rar5])
def test_an_archive_is_unpacked(tmp_path, members, write):
    (tmp_path / "own").write_bytes(write({f"UCF11/{name}": data for name, data in members.items()}))
    (tmp_path / "own.json").write_text("a note of the user's, no seal of ours")
    rows = prepare(tmp_path / "own", tmp_path, "--partial")
    assert [row["clip"] for row in rows] == NAMES
    assert all(Path(row["path"]).read_bytes() == members[row["clip"]] for row in rows)


def test_paths_below_the_project_are_relative(members, in_folder):
    write_tree(in_folder / "clips", members)
    rows = prepare(Path("clips"), in_folder / "out", "--partial")
    assert rows[0]["path"] == f"clips/{NAMES[0]}"


def test_both_releases_of_ucf11_and_what_does_not_belong(tmp_path, members):
    one, two, three, four = members.values()
    folder = {
        NAMES[0]: one,
        NAMES[0].replace(".avi", ".mpg"): one,
        NAMES[1].replace(".avi", ".mpg"): two,
        NAMES[2]: three,
        NAMES[3]: four,
        "biking/Annotation/v_biking_01/v_biking_01_01.xgtf": b"<xml/>",
        "biking/v_biking_99/v_biking_99_01.avi": one,
        "holiday.avi": two,
    }
    rows = prepare(write_tree(tmp_path / "clips", folder), tmp_path, "--partial")
    report = read_json(tmp_path / "inventory.json")
    assert [row["clip"] for row in rows] == [
        NAMES[0],
        NAMES[1].replace(".avi", ".mpg"),
        *NAMES[2:],
    ]
    assert report["duplicate"] == [NAMES[0].replace(".avi", ".mpg")]
    assert report["extra"] == ["biking/v_biking_99/v_biking_99_01.avi", "holiday.avi"]
    assert report["n_missing"] == 1600 - 4


def test_missing_clips_stop_the_run_unless_the_set_is_partial(tmp_path, members, capsys):
    folder = write_tree(tmp_path / "clips", members)
    with pytest.raises(InputError, match=r"1596 of 1600 clips are missing \(basketball/.*max_missing`.*`partial: true"):
        prepare(folder, tmp_path)
    assert not (tmp_path / "listing.csv").exists()
    assert len(read_json(tmp_path / "inventory.json")["missing"]) == 1596
    with pytest.raises(InputError, match=r"at most the share 0\.99 may be"):
        prepare(folder, tmp_path, "--max-missing", "0.99")
    assert len(prepare(folder, tmp_path, "--max-missing", "0.998")) == 4
    assert "4 clips of 1600; 1596 missing" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"notes.txt": b"nothing"}, r"contains no clip of UCF11 .*; expected <class>/<stem>_<GG>/"),
        ({"wave.rar": b"packed"}, r"It holds archives \(wave\.rar, \.\.\.\): unpack them"),
        ({NAMES[0].replace(".avi", ".MP4"): b"1"}, r"It holds videos of other names \(biking/.*_01\.MP4, \.\.\.\)"),
        ({NAMES[0]: b"1", "diving/readme.txt": b"none yet"}, r"diving: the folder of class 'diving' contains no clip"),
    ],
)
def test_folders_without_clips(tmp_path, files, message):
    with pytest.raises(InputError, match=message):
        prepare(write_tree(tmp_path / "clips", files), tmp_path, "--partial")
    assert not (tmp_path / "listing.csv").exists()


@pytest.mark.parametrize("linked", [False, True])
def test_hmdb51_of_ones_own_needs_its_splits(tmp_path, clip, lists, no_network, linked):
    names = ["wave/winKen_wave_u_cm_np1_ri_bad_1.avi", "wave/TrumanShow_wave_f_nm_np1_fr_med_26.AVI"]
    folder = write_tree(tmp_path / "clips", {name: clip(4) for name in names})
    official = lists / "hmdb51_testTrainMulti_7030_splits"
    (folder / "splits").symlink_to(official) if linked else write_tree(folder / "splits", tree(official))
    rows = prepare(folder, tmp_path, "--partial", dataset="hmdb51")
    assert {row["clip"] for row in rows} == set(names)
    assert {len(row["official"]) for row in rows} == {3}
    assert read_json(tmp_path / "inventory.json")["n_missing"] == 6764


@pytest.mark.parametrize(
    ("module", "arguments", "message"),
    [
        ("download", ["--dataset", "ucf12", "--resources", "r", "--output", "o"], "data set 'ucf12' is unknown"),
        ("download", ["--dataset", "ucf11", "--resources", "r", "--output", "o", "--source", "gone"], "gone: no such"),
        (
            "unpack",
            ["--dataset", "ucf11", "--origin", "gone", "--resources", "r", "--output", "o"],
            "gone: no such file",
        ),
        ("splits", ["--dataset", "ucf11", "--clips", "gone", "--output", "o"], "gone: no such file"),
        (
            "features",
            [
                "--front-end",
                "inception_v3",
                "--listing",
                "gone",
                "--frames",
                "gone",
                "--origin",
                "gone.json",
                "--output",
                "o",
            ],
            "gone.json: no such file",
        ),
    ],
)
def test_bad_input_ends_in_one_sentence(tmp_path, root, module, arguments, message):
    command = [sys.executable, "-m", f"workflow.datasets.{module}", *arguments]
    environment = {**os.environ, "PYTHONPATH": str(root)}
    run = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert run.returncode == 1
    assert len(run.stderr.splitlines()) == 1
    assert run.stderr.startswith("error: ")
    assert message in run.stderr
    assert list(tmp_path.iterdir()) == []


def test_the_real_clips_of_ucf11(real_clips, tmp_path):
    """Nine of the eleven classes, four groups each, taken from where they lie."""
    rows = prepare(real_clips, tmp_path, "--partial")
    assert len({row["class"] for row in rows}) == 9
    report = read_json(tmp_path / "inventory.json")
    assert report["found"] == len(rows) == 1600 - report["n_missing"]
    assert report["extra"] == report["duplicate"] == []
