"""File systems without locks or without mapped files, a home that may not be written, a full temporary folder."""

import errno
import fcntl
import os
import resource
import shutil
import tempfile
import threading

import forked
import numpy as np
import pytest
from projects import checkout

from workflow.commands import pipeline
from workflow.datasets.store import Store
from workflow.storage import errors, files, lock
from workflow.storage.errors import InputError, sentence


@pytest.mark.parametrize("reason", [errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.EIO])
def test_without_locks_work_goes_on_with_one_line(tmp_path, monkeypatch, capsys, reason):
    def fail(file, operation):
        raise OSError(reason, os.strerror(reason))

    monkeypatch.setattr(fcntl, "flock", fail)
    with lock.exclusive(tmp_path / "work"):
        pass
    text = f"{tmp_path}/work.lock: this file system has no locks ({os.strerror(reason)}); "
    text += "never start the same work twice at once\n"
    assert capsys.readouterr().err == text
    assert not lock.abandoned(tmp_path / "work")


def test_a_step_and_its_successor_may_write_a_file_at_the_same_time(tmp_path, monkeypatch):
    path, arrived, sync, flock = tmp_path / "experiment.json", threading.Event(), os.fsync, fcntl.flock

    def write(content):
        files.write_bytes(path, content)
        arrived.set()

    def wait_for_the_other(number):  # which has written the whole file, or waits for this one
        if not other.ident:
            other.start()
            arrived.wait()
        sync(number)

    def announced(file, operation):
        if threading.current_thread() is other:
            arrived.set()
        flock(file, operation)

    other = threading.Thread(target=write, args=(b"the successor's",))
    monkeypatch.setattr(os, "fsync", wait_for_the_other)
    monkeypatch.setattr(fcntl, "flock", announced)
    write(b"its own")
    other.join()
    assert path.read_bytes() == b"the successor's"
    assert list(tmp_path.iterdir()) == [path]


def test_what_a_killed_process_left_is_overwritten(tmp_path):
    (tmp_path / ".table.csv.part").write_bytes(b"longer than what follows")
    files.write_text(tmp_path / "table.csv", "a,b")
    assert [path.read_text() for path in tmp_path.iterdir()] == ["a,b"]


@pytest.mark.parametrize("size", [100, 10**6])
def test_a_file_that_does_not_fit_is_named_and_leaves_the_room_that_it_took(tmp_path, size):
    path, limits = tmp_path / "model.safetensors", resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10, limits[1]))
    try:
        with pytest.raises(OSError, match="File too large") as caught:
            files.write_bytes(path, bytes(size))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert sentence(caught.value) == f"{path}: File too large"
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def unmapped(monkeypatch):
    def fail(*arguments, **settings):
        raise OSError(errno.ENODEV, os.strerror(errno.ENODEV))

    monkeypatch.setattr(np, "memmap", fail)
    monkeypatch.setattr(np.lib.format, "open_memmap", fail)


def test_an_array_that_cannot_be_written_mapped_is_one_sentence(tmp_path, unmapped):
    with pytest.raises(InputError, match=f"{tmp_path} a link to a folder on a local disk and rerun"):
        Store(tmp_path / "frames.npy", (3, 4), "uint8", {})


@pytest.mark.parametrize("writable", [True, False])
def test_snakemake_has_a_cache_when_the_home_may_not_be_written(tmp_path, monkeypatch, writable):
    from snakemake import cli, exceptions

    caches = []
    monkeypatch.setattr(exceptions, "format_exception_to_string", exceptions.format_exception_to_string)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "home" / "cache"))
    monkeypatch.setattr(pipeline.os, "access", lambda path, mode: writable)
    monkeypatch.setattr(pipeline.signal, "signal", lambda number, handler: None)
    for name in ("error", "_print_message"):
        monkeypatch.setattr(pipeline.argparse.ArgumentParser, name, getattr(pipeline.argparse.ArgumentParser, name))
    monkeypatch.setattr(pipeline.logging, "raiseExceptions", True)
    monkeypatch.setattr(cli, "main", lambda arguments: caches.append(os.environ["XDG_CACHE_HOME"]))
    with pytest.raises(SystemExit):
        pipeline.run_snakemake([])
    assert caches == [str(tmp_path / ("home/cache" if writable else ".snakemake/cache"))]


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no /dev/full")  # noqa: PTH110
def test_a_full_temporary_folder_is_named_with_its_remedy(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", "/dev")
    (tmp_path / "source").write_text("x")
    with pytest.raises(OSError, match="No space") as raised:
        shutil.copyfile(tmp_path / "source", "/dev/full")
    error = raised.value
    error.filename, error.filename2 = str(tmp_path / "source"), "/dev/full"
    expected = "/dev/full: No space left on device; make room, or set TMPDIR to a folder on another disk"
    assert sentence(error) == expected


def test_a_file_that_is_missing_is_named_by_its_own_name(tmp_path):
    with pytest.raises(OSError, match="No such file") as raised:
        (tmp_path / "part").rename(tmp_path / "table.csv")
    assert sentence(raised.value) == f"{tmp_path}/part: No such file or directory"


def test_a_full_disk_is_named_by_the_file_that_was_to_be_written(tmp_path, monkeypatch):
    def fail(descriptor):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OSError, match="No space") as raised:
        files.write_text(tmp_path / "table.csv", "x")
    assert raised.value.filename == str(tmp_path / "table.csv")


def test_a_full_temporary_folder_is_named_if_a_library_names_no_file(tmp_path, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(errors, "is_full", lambda folder: folder == str(tmp_path))
    error = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    assert sentence(error).startswith(f"{tmp_path}: No space left on device; make room, or set TMPDIR to")
    monkeypatch.setenv("TMPDIR", str(tmp_path / "nowhere"))
    assert sentence(error) == "No space left on device"


def test_a_dry_run_works_whatever_the_name_of_the_folder(root, tmp_path):
    done = forked.run("workflow.commands", ["demo", "-n", "-q"], checkout(root, tmp_path / "it's {my} {} 100 %"))
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("blocked", [".snakemake", ".snakemake/iocache/latest.pkl/folder"])
def test_a_dry_run_needs_no_folder_of_its_own(root, tmp_path, blocked):
    project = checkout(root, tmp_path / "project")
    (project / blocked).parent.mkdir(parents=True, exist_ok=True)
    (project / blocked).touch()
    done = forked.run("workflow.commands", ["demo", "-n", "-q"], project)
    assert done.returncode == 0, done.stderr
    assert done.stdout.endswith(" jobs would run\n")
