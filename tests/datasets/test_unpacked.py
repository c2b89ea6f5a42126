"""What `unpack` keeps: folders that are whole, and the digests of their files."""

import hashlib
from pathlib import Path

import pytest
from small_data import tar_of, tree, zip_of

from workflow.datasets import archives
from workflow.storage.errors import InputError
from workflow.storage.seal import DamagedError, digest

MEMBERS = {"a/b.avi": b"hello" * 1000, "empty.avi": b"", "a/big.avi": bytes(range(256)) * 5000}


def unpack(archive: Path, folder: Path) -> Path:
    return archives.unpack(archive, folder, digest(archive))


def put(folder: Path, data: bytes) -> Path:
    path = folder / "archive"
    path.write_bytes(data)
    return path


def test_unpacked_folders_are_kept_and_interrupted_ones_are_not(tmp_path):
    path = put(tmp_path, zip_of(MEMBERS))
    (tmp_path / "out.part").mkdir()
    (tmp_path / "out.part" / "half.avi").write_bytes(b"half")
    assert tree(unpack(path, tmp_path / "out")) == MEMBERS
    path.write_bytes(b"not read again")
    assert tree(unpack(path, tmp_path / "out")) == MEMBERS


@pytest.mark.parametrize("harm", [lambda path: path.write_bytes(b"x" + path.read_bytes()[1:]), Path.unlink])
def test_a_file_that_has_changed_is_unpacked_again(tmp_path, harm, capsys):
    path = put(tmp_path, zip_of(MEMBERS))
    harm(next(file for file in unpack(path, tmp_path / "out").rglob("*") if file.is_file()))
    assert tree(unpack(path, tmp_path / "out")) == MEMBERS
    assert f"unpacking {path} again" in capsys.readouterr().err


@pytest.mark.parametrize("harm", ["corrupt", "missing"])
def test_an_archive_that_is_not_the_one_that_came_is_not_unpacked(tmp_path, harm):
    path = put(tmp_path, tar_of(MEMBERS))  # TAR has no checksums
    sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    content = bytearray(path.read_bytes())
    content[1000] ^= 1
    path.write_bytes(content) if harm == "corrupt" else path.unlink()
    with pytest.raises(DamagedError, match=f"{path.name} is {harm}"):
        archives.unpack(path, tmp_path / "out", sha256)
    assert not (tmp_path / "out").exists()


def test_the_digest_of_every_file_is_recorded_whatever_its_archive_lay_in(tmp_path):
    inner = {"c/biking.zip": zip_of(MEMBERS), "walk.avi": b"w"}
    folder = unpack(put(tmp_path, zip_of(inner)), tmp_path / "out")
    expected = {name: hashlib.sha256(content).hexdigest() for name, content in tree(folder).items()}
    assert archives.digests(folder) == expected
    assert len(expected) == len(MEMBERS) + 1


@pytest.mark.parametrize("kind", ["folders", "archives"])
def test_what_lies_too_deep_is_refused_and_leaves_nothing(tmp_path, kind):
    """An archive can hold itself; Python's own functions for folders fail after a thousand levels."""
    data = zip_of({"a/" * 1500 + "b.avi": b"video"})
    if kind == "archives":
        data = b"video"
        for _ in range(300):
            data = zip_of({"a.zip": data})
    with pytest.raises(InputError, match="is nested more than 200 folders deep"):
        unpack(put(tmp_path, data), tmp_path / "out")
    assert [path.name for path in tmp_path.iterdir()] == ["archive"]
