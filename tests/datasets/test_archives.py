"""Archives of every kind, whole, cut and hostile."""

import gzip
import io
import struct
import tarfile
import zipfile
from pathlib import Path

import pytest
import rar_writer
from rar_writer import rar3, rar5
from small_data import tar_of, tree, zip_of

from workflow.datasets import archives
from workflow.storage.errors import InputError
from workflow.storage.seal import digest

LIMIT = 1 << 24
ODD = "wave/-(HQ)!#[1]&+;~@ 'q' \"d\" $x %d é漢_wave_f_nm_np1_fr_goo_0.avi"
MEMBERS = {"a/b.avi": b"hello" * 1000, ODD: b"odd", "empty.avi": b"", "a/big.avi": bytes(range(256)) * 5000}
WRITERS = {
    "zip": zip_of,
    "tar": tar_of,
    "tgz": lambda members: tar_of(members, "w:gz"),
    "tbz": lambda members: tar_of(members, "w:bz2"),
    "txz": lambda members: tar_of(members, "w:xz"),
    "rar3": rar3,
    "rar5": rar5,
}


def unpack(archive: Path, folder: Path) -> Path:
    return archives.unpack(archive, folder, digest(archive))


@pytest.fixture(autouse=True)
def limit(monkeypatch):
    monkeypatch.setattr(archives, "LIMIT", LIMIT)


def put(folder: Path, data: bytes, name: str = "archive") -> Path:
    path = folder / name
    path.write_bytes(data)
    return path


@pytest.mark.parametrize("kind", WRITERS)
def test_all_members_come_through_with_their_names(tmp_path, kind):
    folder = unpack(put(tmp_path, WRITERS[kind](MEMBERS)), tmp_path / "out")
    assert tree(folder) == MEMBERS


@pytest.mark.parametrize("outer", WRITERS)
@pytest.mark.parametrize("inner", [rar3, zip_of])
def test_archives_in_archives(tmp_path, outer, inner):
    """HMDB51: an archive a class, each with the folder of the class in it."""
    name = "rar" if inner is rar3 else "zip"
    classes = {f"{label}.{name}": inner({f"{label}/{label}_1.avi": label.encode()}) for label in ("wave", "run")}
    folder = unpack(put(tmp_path, WRITERS[outer](classes)), tmp_path / "out")
    assert tree(folder) == {f"{label}/{label}/{label}_1.avi": label.encode() for label in ("wave", "run")}


@pytest.mark.parametrize("kind", WRITERS)
@pytest.mark.parametrize("share", [0.05, 0.5, 0.95, 0.999])
def test_a_truncated_archive_is_detected_and_leaves_nothing(tmp_path, kind, share):
    whole = WRITERS[kind](MEMBERS)
    path = put(tmp_path, whole[: int(share * len(whole))])
    with pytest.raises(InputError, match="archive"):
        unpack(path, tmp_path / "out")
    assert [entry.name for entry in tmp_path.iterdir()] == ["archive"]


def test_a_tar_of_a_folder_itself(tmp_path):
    """`tar cf set.tar .` begins with a member for the folder: ./"""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        folder = tarfile.TarInfo("./")
        folder.type = tarfile.DIRTYPE
        archive.addfile(folder)
        info = tarfile.TarInfo("./a/b.avi")
        info.size = 3
        archive.addfile(info, io.BytesIO(b"abc"))
    assert tree(unpack(put(tmp_path, out.getvalue()), tmp_path / "out")) == {"a/b.avi": b"abc"}


def test_a_tar_cut_between_two_members_is_detected(tmp_path):
    """tarfile itself takes it for whole."""
    whole = tar_of({"a.avi": bytes(512), "b.avi": bytes(512)})
    with pytest.raises(InputError, match="end mark"):
        unpack(put(tmp_path, whole[:1024]), tmp_path / "out")


@pytest.mark.parametrize("kind", [kind for kind in WRITERS if kind != "tar"])  # which has no checksum of its content
def test_a_flipped_bit_is_detected(tmp_path, kind):
    data = bytearray(WRITERS[kind](MEMBERS))
    data[len(data) // 2] ^= 1
    with pytest.raises(InputError, match="corrupt"):
        unpack(put(tmp_path, bytes(data)), tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("kind", WRITERS)
@pytest.mark.parametrize("name", ["../escape.avi", "a/../../escape.avi", "/escape.avi"])
def test_no_member_leaves_the_folder(tmp_path, kind, name):
    inside = tmp_path / "inside"
    inside.mkdir()
    path = put(inside, WRITERS[kind]({"fine.avi": b"1", name: b"2"}))
    with pytest.raises(InputError, match="outside the target folder"):
        unpack(path, inside / "out")
    assert [entry.name for entry in inside.iterdir()] == ["archive"]
    assert [entry.name for entry in tmp_path.iterdir()] == ["inside"]


def with_fields(archive: bytes, flags: int = 0, method: int = 0) -> bytes:
    """The ZIP with these fields in the headers of its members, local ones and those of the directory."""
    for mark, place in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        begin = archive.index(mark) + place
        archive = archive[:begin] + struct.pack("<HH", flags, method) + archive[begin + 4 :]
    return archive


def without_name() -> bytes:
    local = b"PK\x03\x04" + struct.pack("<5H3I2H", 20, 0, 0, 0, 33, 0, 0, 0, 0, 0)
    directory = b"PK\x01\x02" + struct.pack("<6H3I5H2I", 20, 20, 0, 0, 0, 33, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)
    return local + directory + b"PK\x05\x06" + struct.pack("<4H2IH", 0, 0, 1, 1, len(directory), len(local), 0)


def negative_size() -> bytes:
    info = tarfile.TarInfo("a.avi")
    info.size = -(1 << 65)
    return info.tobuf(tarfile.GNU_FORMAT) + bytes(4096)


MEMBER = {"a.avi": b"abc"}
REFUSED = {
    "ZIP, Deflate64": (with_fields(zip_of(MEMBER), method=9), "'a.avi' is compressed by the method Deflate64, which"),
    "ZIP, zstd": (with_fields(zip_of(MEMBER), method=93), "is compressed by the method Zstandard, which"),
    "ZIP, xz": (with_fields(zip_of(MEMBER), method=95), "is compressed by the method XZ, which"),
    "ZIP, unknown method": (with_fields(zip_of(MEMBER), method=77), "is compressed by the method 77, which"),
    "ZIP, encrypted": (
        with_fields(zip_of(MEMBER), flags=1),
        "member 'a.avi' is encrypted; unpack it with its password",
    ),
    "ZIP, empty name": (without_name(), r"a member has no name \(''\)"),
    "ZIP, name that is not UTF-8": (
        with_fields(zip_of({"a\xff.avi": b"abc"}), flags=1 << 11).replace("\xff".encode(), b"\xff\xff"),
        "archive: truncated or corrupt archive .*codec can't decode",
    ),
    "ZIP, patched data": (with_fields(zip_of(MEMBER), flags=1 << 5), "archive: truncated or corrupt archive .*bit 5"),
    "TAR, damaged size": (negative_size(), "archive: truncated or corrupt archive"),
    "RAR, encrypted": (rar3(MEMBER, flags=rar_writer.ENCRYPTED), "archive: encrypted; unpack it with its password"),
    "RAR, first of several": (rar3(MEMBER, flags=rar_writer.SPLIT_AFTER), "archive: one of several volumes; put all"),
    "RAR, second of several": (rar3(MEMBER, flags=rar_writer.SPLIT_BEFORE), "archive: one of several volumes; put all"),
    "7z": (
        b"7z\xbc\xaf\x27\x1c\x00\x04" + bytes(99),
        r"archive: the format 7z .*; unpack it \(7z x\) and set",
    ),
    "Zstandard": (b"\x28\xb5\x2f\xfd" + bytes(99), r"archive: the format Zstandard .*; unpack it \(tar xf\) and set"),
    "gzip without a TAR": (gzip.compress(b"hello" * 999), "archive: truncated or corrupt archive"),
    "Git LFS": (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n", "a Git LFS pointer in place of"),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_what_cannot_be_opened_is_refused_by_its_reason(tmp_path, kind):
    data, reason = REFUSED[kind]
    with pytest.raises(InputError, match=reason):
        unpack(put(tmp_path, data), tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_an_archive_with_a_program_before_it_is_opened(tmp_path):
    unpack(put(tmp_path, b"a program that extracts itself" + zip_of(MEMBER)), tmp_path / "out")
    assert (tmp_path / "out" / "a.avi").read_bytes() == b"abc"


def test_separators_of_windows_make_folders(tmp_path):
    names = zipfile.ZipInfo("a\\b\\c.avi"), zipfile.ZipInfo("a\\d\\")
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name in names:
            name.create_system = 0
            archive.writestr(name, b"")
    unpack(put(tmp_path, out.getvalue()), tmp_path / "out")
    assert [path for path in (tmp_path / "out").rglob("*") if path.is_file()] == [
        tmp_path / "out" / "a" / "b" / "c.avi"
    ]


def test_hidden_files_and_companions_that_macos_adds_are_no_archives(tmp_path):
    others = {"__MACOSX/._wave.zip": b"Mac OS X", ".zip": b"", "a/..zip": b""}
    data = zip_of({"wave.zip": zip_of(MEMBER), **others})
    assert tree(unpack(put(tmp_path, data), tmp_path / "out")) == {"wave/a.avi": b"abc", **others}


@pytest.mark.parametrize(
    ("members", "reason"),
    [
        ({"a": b"1", "a/b.avi": b"2"}, r"archive: member 'a/b\.avi': File exists"),
        ({"a/b.avi": b"1", "a": b"2"}, r"archive: member 'a': (File exists|Is a directory)"),
        ({"a" * 300: b"1"}, r"archive: member 'a+': File name too long"),
    ],
)
def test_a_name_that_cannot_be_written_is_named(tmp_path, members, reason):
    with pytest.raises(InputError, match=reason):
        unpack(put(tmp_path, zip_of(members)), tmp_path / "out")
    assert not (tmp_path / "out").exists()


def links() -> dict[str, bytes]:
    def tar(kind: bytes) -> bytes:
        out = io.BytesIO()
        with tarfile.open(fileobj=out, mode="w") as archive:
            info = tarfile.TarInfo("link")
            info.type, info.linkname = kind, "/etc"
            archive.addfile(info)
        return out.getvalue()

    link = zipfile.ZipInfo("link")
    link.create_system, link.external_attr = 3, 0o120777 << 16
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr(link, "/etc")
    return {
        "zip": out.getvalue(),
        "tar, symbolic": tar(tarfile.SYMTYPE),
        "tar, hard": tar(tarfile.LNKTYPE),
        "tar, device": tar(tarfile.CHRTYPE),
        "rar3": rar3({"link": b"/etc"}, links=("link",)),
        "rar5": rar5({}, links={"link": "/etc"}),
    }


@pytest.mark.parametrize("kind", links())
def test_links_and_devices_are_refused(tmp_path, kind):
    with pytest.raises(InputError, match="'link' is a link or a device"):
        unpack(put(tmp_path, links()[kind]), tmp_path / "out")


def bomb(size: int) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("zeros.avi", bytes(size))
    return out.getvalue()


def test_a_bomb_is_refused_before_anything_is_written(tmp_path, monkeypatch):
    monkeypatch.setattr(archives, "_write", lambda *arguments: pytest.fail("a member was written"))
    data = bomb(LIMIT + 1)
    assert len(data) < LIMIT // 100
    with pytest.raises(InputError, match=r"declare more than 0\.02 GB"):
        unpack(put(tmp_path, data), tmp_path / "out")


def test_bombs_in_an_archive_share_its_limit(tmp_path):
    inner = {f"{name}.zip": bomb(LIMIT // 3) for name in "abc"}
    with pytest.raises(InputError, match="declare more than"):
        unpack(put(tmp_path, zip_of(inner)), tmp_path / "out")
    assert [entry.name for entry in tmp_path.iterdir()] == ["archive"]


def test_a_member_that_lies_about_its_size_is_stopped(tmp_path):
    data = bytearray(bomb(1 << 20))
    for mark, place in ((b"PK\x01\x02", 24), (b"PK\x03\x04", 22)):
        at = data.index(mark) + place
        data[at : at + 4] = (1000).to_bytes(4, "little")
    with pytest.raises(InputError, match=r"corrupt|declare"):
        unpack(put(tmp_path, bytes(data)), tmp_path / "out")


def test_a_full_disk_is_foreseen(tmp_path, monkeypatch):
    monkeypatch.setattr("shutil.disk_usage", lambda path: type("Usage", (), {"free": 1000}))
    with pytest.raises(InputError, match="MB free"):
        unpack(put(tmp_path, zip_of(MEMBERS)), tmp_path / "out")


def test_a_member_that_is_there_twice_is_refused(tmp_path):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("a.avi", b"1")
        with pytest.warns(UserWarning, match="Duplicate name"):
            archive.writestr("a.avi", b"2")
    with pytest.raises(InputError, match="twice"):
        unpack(put(tmp_path, out.getvalue()), tmp_path / "out")


def test_an_archive_in_an_archive_is_named_by_where_it_lies(tmp_path):
    with pytest.raises(InputError, match=rf"^{tmp_path}/archive: in its member a/b\.zip: neither a ZIP nor"):
        unpack(put(tmp_path, zip_of({"a/b.zip": b"no archive"})), tmp_path / "out")


@pytest.mark.parametrize("data", [b"", b"<html>no archive</html>", bytes(4096), b"Rar!"])
def test_what_is_no_archive_is_named(tmp_path, data):
    with pytest.raises(InputError, match=r"neither a ZIP nor a TAR nor a RAR|holds no file"):
        unpack(put(tmp_path, data), tmp_path / "out")
