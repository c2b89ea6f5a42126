"""The frames step: one array, its table, and what happens to clips that fail and to runs that are killed."""

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import psutil
import pytest
from small_data import header_count, listing_of

from workflow.datasets import frames
from workflow.datasets.decode import decode
from workflow.datasets.frames import COLUMNS, main
from workflow.datasets.listing import COLUMNS as COLUMNS_OF_A_LISTING
from workflow.storage.errors import InputError
from workflow.storage.files import read_csv, write_csv
from workflow.storage.seal import DamagedError, digest

SIZE = {"count": 4, "width": 16, "height": 12}


def names(n: int, label: str = "biking", stem: str = "v_biking") -> list[str]:
    return [f"{label}/{stem}_{1 + i // 7:02d}/{stem}_{1 + i // 7:02d}_{1 + i % 7:02d}.avi" for i in range(n)]


@pytest.fixture
def listing(tmp_path, clip):
    """listing(n, broken): n clips of two classes, those numbered in `broken` without a frame."""

    def make(n: int = 12, broken: dict[int, bytes] | None = None) -> Path:
        both = names(n // 2) + names(n - n // 2, "diving", "v_diving")
        members = {name: clip(5 + i % 7, seed=i % 5) for i, name in enumerate(both)}
        for i, data in (broken or {}).items():
            members[both[i]] = data
        return listing_of(tmp_path / "clips", members, tmp_path)

    return make


def outputs(folder: Path) -> list[str]:
    names = [path.name for path in folder.iterdir() if path.name.startswith(("frames", "clips.csv"))]
    return sorted(name for name in names if name != "frames.lock")


@pytest.mark.parametrize("workers", [1, 2])
def test_rows_of_the_array_are_rows_of_the_table(listing, tmp_path, workers):
    content = main(listing(), tmp_path, **SIZE, workers=workers, max_undecodable=0.0)
    array, table = np.load(tmp_path / "frames.npy", mmap_mode="r"), read_csv(tmp_path / "clips.csv", COLUMNS)
    assert array.shape == tuple(content["shape"]) == (12, 4, 12, 16, 3)
    assert array.dtype == np.uint8
    assert [row["clip"] for row in table] == sorted(row["clip"] for row in table)
    for row, picture in zip(table, array, strict=True):
        reference, facts = decode(tmp_path / "clips" / row["clip"], 4, "linspace", 16, 12)
        assert (picture == reference).all()
        assert (int(row["frames"]), row["fps"], row["status"]) == (facts["frames"], "25.0", "ok")
        assert (row["width"], row["height"]) == ("32", "24")
    assert content["classes"] == ["biking", "diving"]


def test_the_digest_is_that_of_the_arrays_bytes(listing, tmp_path):
    import hashlib

    content = main(listing(), tmp_path, **SIZE, max_undecodable=0.0)
    assert content["digest"] == hashlib.sha256(np.load(tmp_path / "frames.npy").tobytes()).hexdigest()
    assert json.loads((tmp_path / "frames.json").read_text())["digest"] == content["digest"]


def test_undecodable_clips_are_left_out_with_a_reason_up_to_the_limit(listing, tmp_path, capsys):
    path = listing(broken={3: b"", 8: b"no video" * 50})
    content = main(path, tmp_path, **SIZE, max_undecodable=0.2)
    table = read_csv(tmp_path / "clips.csv", COLUMNS)
    assert [row["status"] for row in table if row["status"] != "ok"] == ["empty file", "no video that FFmpeg can open"]
    assert (np.load(tmp_path / "frames.npy")[[3, 8]] == 0).all()
    assert content["undecodable"] == 2
    assert "v_biking_01_04.avi: empty file" in capsys.readouterr().err


def test_clips_that_lost_frames_are_listed(listing, tmp_path, clip, capsys):
    """Real containers state up to three frames too many or too few."""
    whole = clip(31, 64, 48)
    count = {lost: header_count(clip(9), 9 + lost) for lost in (-3, 1, 3, 4)}
    path = listing(broken={2: whole[: len(whole) // 2], **dict(enumerate(count.values(), start=3))})
    content = main(path, tmp_path, **SIZE, max_undecodable=0.0)
    table = read_csv(tmp_path / "clips.csv", COLUMNS)
    assert content["shortened"] == {
        table[2]["clip"]: f"{table[2]['frames']} of 31 frames",
        table[6]["clip"]: "9 of 13 frames",
    }
    assert f"{table[6]['clip']}: 9 of 13 frames decode" in capsys.readouterr().err
    assert content["undecodable"] == 0


def test_too_many_undecodable_clips_stop_the_run_and_leave_nothing_finished(listing, tmp_path, clip):
    path = listing(broken={3: b"", 8: b"no video" * 50})
    with pytest.raises(InputError, match=r"2 of 12 clips do not decode; at most the share 0\.1 may .*: empty file"):
        main(path, tmp_path, **SIZE, max_undecodable=0.1)
    assert outputs(tmp_path) == ["frames.npy.journal", "frames.npy.part"]
    table = read_csv(path, ("clip", "path"))
    for row in (3, 8):  # repaired in place: the next run tries them again
        Path(table[row]["path"]).write_bytes(clip(5))
    assert main(path, tmp_path, **SIZE, max_undecodable=0.0)["undecodable"] == 0


def test_a_clip_that_disappeared_is_named(listing, tmp_path):
    path = listing()
    Path(read_csv(path, ("path",))[2]["path"]).unlink()
    with pytest.raises(InputError, match=r"v_biking_01_03\.avi: .*No such file"):
        main(path, tmp_path, **SIZE, max_undecodable=0.0)


def with_checksums(listing_file: Path) -> Path:
    """The same listing, with the sha256 of every clip as it is now."""
    rows = read_csv(listing_file, COLUMNS_OF_A_LISTING)
    rows = [row | {"sha256": digest(Path(row["path"]))} for row in rows]
    write_csv(listing_file, COLUMNS_OF_A_LISTING, rows)
    return listing_file


@pytest.mark.parametrize("workers", [1, 2])
def test_a_bit_that_flips_in_an_unpacked_clip_is_detected_before_it_is_decoded(listing, tmp_path, workers):
    path = with_checksums(listing())
    clip = Path(read_csv(path, ("path",))[2]["path"])
    content = bytearray(clip.read_bytes())
    content[len(content) // 2] ^= 1
    clip.write_bytes(content)
    with pytest.raises(DamagedError, match=r"v_biking_01_03\.avi is corrupt.* Delete \S+inventory\.json and rerun"):
        main(path, tmp_path, **SIZE, workers=workers, max_undecodable=1.0)
    content[len(content) // 2] ^= 1
    clip.write_bytes(content)
    assert main(path, tmp_path, **SIZE, workers=workers, max_undecodable=0.0)["undecodable"] == 0


def test_an_unpacked_clip_that_is_gone_is_not_one_that_does_not_decode(listing, tmp_path):
    path = with_checksums(listing())
    Path(read_csv(path, ("path",))[2]["path"]).unlink()
    with pytest.raises(DamagedError, match=r"v_biking_01_03\.avi is missing; .* Delete \S+inventory\.json and rerun"):
        main(path, tmp_path, **SIZE, max_undecodable=1.0)


def die(*job) -> None:
    os._exit(1)  # as a process does that the kernel kills


def test_a_worker_that_dies_is_an_error(listing, tmp_path, monkeypatch):
    monkeypatch.setattr(frames, "decode_clip", die)
    with pytest.raises(InputError, match=r"a decoding process was killed.* the next clips were .*v_biking_01_01\.avi"):
        main(listing(), tmp_path, **SIZE, workers=2, max_undecodable=0.0)
    assert outputs(tmp_path) == ["frames.npy.journal", "frames.npy.part"]


def test_a_class_of_which_nothing_decodes_is_named(listing, tmp_path):
    with pytest.raises(InputError, match="class 'biking': none of its clips decodes"):
        main(listing(4, broken={0: b"", 1: b""}), tmp_path, **SIZE, max_undecodable=0.9)


def test_an_empty_listing_is_an_error(tmp_path):
    (tmp_path / "listing.csv").write_text("clip,class,group,source,official,path,sha256\n")
    with pytest.raises(InputError, match="lists no clip"):
        main(tmp_path / "listing.csv", tmp_path)


def test_other_options_start_again(listing, tmp_path):
    path = listing()
    first = main(path, tmp_path, **SIZE, max_undecodable=0.0)["digest"]
    assert main(path, tmp_path, 3, "random", 16, 12, seed=1, max_undecodable=0)["shape"][1] == 3
    assert main(path, tmp_path, **SIZE, max_undecodable=0.0)["digest"] == first


@pytest.mark.parametrize("stop_after", [0, 1, 5, 11])
def test_an_interrupted_run_continues_to_the_same_bytes(listing, tmp_path, monkeypatch, stop_after):
    path = listing()
    whole = main(path, tmp_path / "whole", **SIZE, max_undecodable=0.0)
    done = []

    def decode_some(row, options):
        if len(done) == stop_after:
            raise KeyboardInterrupt
        done.append(row["clip"])
        return real(row, options)

    real = frames.decode_clip
    monkeypatch.setattr(frames, "decode_clip", decode_some)
    monkeypatch.setattr("workflow.datasets.store.SECONDS", 0.0)  # journal every clip
    with pytest.raises(KeyboardInterrupt):
        main(path, tmp_path / "cut", **SIZE, max_undecodable=0.0)
    assert outputs(tmp_path / "cut") == ["frames.npy.journal", "frames.npy.part"]
    with (tmp_path / "cut" / "frames.npy.journal").open("a") as file:
        file.write('[11, {"status": "ok", "fra')  # a line that was being written
    shutil.copytree(tmp_path / "cut", tmp_path / "edited")
    stop_after = None
    resumed = main(path, tmp_path / "cut", **SIZE, max_undecodable=0.0)
    assert sorted(done) == [row["clip"] for row in read_csv(path, ("clip",))]  # nothing twice
    assert resumed["digest"] == whole["digest"]
    for name in ("frames.npy", "clips.csv"):
        assert (tmp_path / "cut" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()
    assert outputs(tmp_path / "cut") == ["clips.csv", "frames.json", "frames.npy"]
    done.clear()
    main(path, tmp_path / "edited", **SIZE, max_undecodable=0.0, code="edited")
    assert len(done) == resumed["shape"][0], "no frame of other code is kept"


def test_a_killed_process_is_continued_by_the_next(listing, tmp_path, root):
    """SIGKILL to the whole group, workers included, as a scheduler does it."""
    path = listing(60)
    output = tmp_path / "killed"
    command = [sys.executable, "-c", KILLED, "--listing", str(path), "--output", str(output), *ARGUMENTS]
    first = subprocess.run(command, cwd=root, start_new_session=True, stderr=subprocess.DEVNULL)
    assert first.returncode == -signal.SIGKILL
    journal = output / "frames.npy.journal"
    assert not (output / "frames.npy").exists()
    done = journal.read_bytes().count(b"\n") - 1
    assert done == 5
    command = [sys.executable, "-m", "workflow.datasets.frames", "--listing", str(path), "--output", str(output)]
    second = subprocess.run([*command, *ARGUMENTS], cwd=root, text=True, capture_output=True, check=True)
    assert "of 60 clips are decoded already" in second.stderr
    whole = main(path, tmp_path / "whole", **SIZE, max_undecodable=0.0)
    assert json.loads((output / "frames.json").read_text())["digest"] == whole["digest"]
    assert (output / "clips.csv").read_bytes() == (tmp_path / "whole" / "clips.csv").read_bytes()


ARGUMENTS = ["--count", "4", "--width", "16", "--height", "12", "--workers", "2"]
KILLED = """
import os, signal
from workflow.datasets import frames, store
from workflow.storage.command_line import command_line
store.SECONDS = 0.0
real = store.Store.add
def add(self, row, note):
    real(self, row, note)
    if len(self.done) == 5:
        os.killpg(0, signal.SIGKILL)
store.Store.add = add
if __name__ == "__main__":
    command_line(frames.main)
"""


HELD = """
from workflow.datasets import frames, store
from workflow.storage.command_line import command_line
def add(self, row, note):
    print("held", flush=True)
    input()
store.Store.add = add
if __name__ == "__main__":
    command_line(frames.main)
"""


@pytest.mark.parametrize("stop", [signal.SIGKILL, signal.SIGTERM])
def test_no_worker_outlives_its_parent(listing, tmp_path, root, stop):
    program = tmp_path / "held.py"
    program.write_text(f"import sys; sys.path.insert(0, {str(root)!r})" + HELD)
    command = [sys.executable, str(program), "--listing", str(listing(60)), "--output", str(tmp_path), *ARGUMENTS]
    with subprocess.Popen(command, cwd=root, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "held\n"
        found = psutil.Process(process.pid).children(recursive=True)
        workers = [child for child in found if "spawn_main" in " ".join(child.cmdline())]
        process.send_signal(stop)
    _, alive = psutil.wait_procs(workers, timeout=600)
    assert workers
    assert not alive


@pytest.mark.parametrize("option", ["count", "width", "height", "workers"])
def test_impossible_arguments(tmp_path, root, option):
    given = ["--listing", "no.csv", "--output", str(tmp_path), f"--{option}", "0"]
    command = [sys.executable, "-m", "workflow.datasets.frames", *given]
    run = subprocess.run(command, cwd=root, text=True, capture_output=True)
    assert run.returncode == 2
    assert f"Invalid value for '--{option}'" in run.stderr


def test_a_missing_listing_is_named(tmp_path):
    with pytest.raises(InputError, match=r"no\.csv: no such file"):
        main(tmp_path / "no.csv", tmp_path)
    assert outputs(tmp_path) == []
