"""Sealed JSON: every change of it, and of the files that it vouches for, is told with what to do about it."""

import errno
import json
import os
import random

import pytest

from workflow.storage import seal
from workflow.storage.errors import sentence
from workflow.storage.files import read_json

CONTENT = {"name": "demo", "numbers": [1, 2.5, None], "text": "é − 漢"}


@pytest.fixture
def sealed(tmp_path):
    """A sealed JSON and the two files that it vouches for, one of them a folder deeper."""
    for name, text in (("table.csv", "a,b\n1,2\n"), ("clips/one.avi", "not much of a clip")):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    digests = {name: seal.digest(tmp_path / name) for name in ("table.csv", "clips/one.avi")}
    path = tmp_path / "about.json"
    path.write_text(json.dumps(seal.sealed(CONTENT, digests), indent=1, ensure_ascii=False))
    return path


def test_what_was_written_is_whole(sealed):
    assert seal.damages(sealed) == []
    seal.require(sealed, ("table.csv", "clips/one.avi"))


def test_layout_and_order_of_the_json_do_not_matter(sealed):
    content = json.loads(sealed.read_text())
    sealed.write_text(json.dumps(dict(reversed(content.items()))))
    assert seal.damages(sealed) == []


@pytest.mark.parametrize("seed", range(40))
def test_every_flipped_bit_is_told_unless_it_changes_nothing_that_is_read(sealed, seed):
    chance = random.Random(seed)
    victim = chance.choice([sealed, sealed.with_name("table.csv"), sealed.parent / "clips" / "one.avi"])
    content = bytearray(victim.read_bytes())
    content[chance.randrange(len(content))] ^= 1 << chance.randrange(8)
    before = json.loads(sealed.read_bytes())
    victim.write_bytes(content)
    found = seal.damages(sealed)
    if found:
        assert victim.name in found[0]
        assert f"delete {sealed} and rerun" in found[0]
    else:  # between two words of the JSON
        assert victim == sealed
        assert json.loads(content) == before


@pytest.mark.parametrize("seed", range(10))
def test_every_cut_is_told(sealed, seed):
    chance = random.Random(seed)
    victim = chance.choice([sealed, sealed.with_name("table.csv")])
    content = victim.read_bytes()
    victim.write_bytes(content[: chance.randrange(len(content))])
    (found,) = seal.damages(sealed)
    assert f"{victim} is corrupt" in found


def test_what_is_missing_is_told(sealed):
    sealed.with_name("table.csv").unlink()
    with pytest.raises(seal.DamagedError, match=r"table\.csv is missing, though about\.json lists it; delete"):
        seal.require(sealed, ("table.csv",))
    seal.require(sealed, ("clips/one.avi",))  # what nobody asked for is not looked at


@pytest.mark.parametrize("content", [CONTENT, [CONTENT]])
def test_a_json_without_a_seal_is_corrupt(tmp_path, content):
    path = tmp_path / "edited.json"
    path.write_text(json.dumps(content))
    assert seal.damages(path) == [f"{path} is corrupt (checksum mismatch); delete {path} and rerun; it will be rebuilt"]


def test_a_json_that_was_never_written_is_accepted(tmp_path):
    seal.require(tmp_path / "never_written.json")


def test_a_file_that_cannot_be_read_is_named(sealed, monkeypatch):
    def stale(file, name):
        raise OSError(errno.ESTALE, os.strerror(errno.ESTALE))

    monkeypatch.setattr(seal.hashlib, "file_digest", stale)
    with pytest.raises(OSError, match="Stale file handle") as caught:
        seal.differences(sealed, {"table.csv": ""})
    assert sentence(caught.value) == f"{sealed.with_name('table.csv')}: Stale file handle"


def test_a_path_that_is_not_utf_8_comes_back(tmp_path):
    """As LD_LIBRARY_PATH in environment.json, which is written after the training."""
    path = os.fsdecode(b"/opt/m\xfcller/\xe4\xf6")
    seal.write(tmp_path / "a.json", {"path": path, "name": "Müller"})
    assert seal.damages(tmp_path / "a.json") == []
    assert read_json(tmp_path / "a.json")["path"] == path
    assert "Müller" in (tmp_path / "a.json").read_text(encoding="utf-8")
