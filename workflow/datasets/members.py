"""The members of a ZIP, TAR or RAR archive, in order; each can be opened while it is the current one."""

import bz2
import gzip
import lzma
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import IO, Any

from workflow.storage.errors import InputError
from workflow.storage.files import is_lfs_pointer

CORRUPT = (
    *(zipfile.BadZipFile, tarfile.TarError, EOFError, zlib.error, lzma.LZMAError),
    *(OSError, ValueError, NotImplementedError),  # of bz2 and gzip; a damaged name, size, version or flag
)
RAR_END, RAR_UNIX, RAR_SPLIT_BEFORE, RAR_SPLIT_AFTER, RAR_NO_VOLUME = 10, 3, 1, 2, 15  # constants of unrar
ENCRYPTED = "encrypted; unpack it with its password and set the folder as source"
RAR_REASONS = {
    RAR_NO_VOLUME: "one of several volumes; put all next to it and name the first",
    22: ENCRYPTED,
    24: ENCRYPTED,
}
ZIP_NAMES = {9: "Deflate64", 93: "Zstandard", 95: "XZ", 98: "PPMd"}
# compressed TARs, by their first bytes
COMPRESSED: dict[bytes, Callable[..., Any]] = {b"\x1f\x8b": gzip.open, b"BZh": bz2.open, b"\xfd7zXZ\x00": lzma.open}
FOREIGN = {  # by their first bytes: formats without a decoder here, and a program for each
    b"7z\xbc\xaf\x27\x1c": ("7z", "7z x"),
    b"\x28\xb5\x2f\xfd": ("Zstandard", "tar xf"),
    b"\x04\x22\x4d\x18": ("LZ4", "tar xf"),
    b"LZIP": ("lzip", "tar xf"),
    b"\x1f\x9d": ("compress", "tar xf"),
}
ZIP_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA)


@dataclass(frozen=True)
class Member:
    """name, size: as declared in the archive. kind: "file", "folder", or "other" for links and devices."""

    name: str
    size: int
    kind: str
    open: Callable[[], Any]  # a binary file; for files only


def members(path: Path) -> Iterator[Member]:
    """Yield the members of the archive `path`. Raises InputError unless its first bytes are of a known format."""
    with path.open("rb") as file:
        start = file.read(8)
    if is_lfs_pointer(path):
        raise InputError(f"{path}: a Git LFS pointer in place of the archive; fetch it with: git lfs pull")
    if start[:4] in (b"PK\x03\x04", b"PK\x05\x06"):
        return _zip(path)
    if start[:7] in (b"Rar!\x1a\x07\x00", b"Rar!\x1a\x07\x01"):
        return _rar(path)
    if opener := next((opener for mark, opener in COMPRESSED.items() if start.startswith(mark)), None):
        return _tar(path, opener)
    if tarfile.is_tarfile(path):
        return _tar(path, Path.open)
    if zipfile.is_zipfile(path):  # the last of several volumes, or something precedes it
        return _zip(path)
    for mark, (name, program) in FOREIGN.items():
        if start.startswith(mark):
            raise InputError(
                f"{path}: the format {name} cannot be read here; unpack it ({program}) and set the folder as source"
            )
    raise InputError(f"{path}: neither a ZIP nor a TAR nor a RAR archive (it begins with {start!r})")


@contextmanager
def explained(path: Path, *errors: type[Exception]) -> Iterator[None]:
    """Turn the `errors` of a library into an InputError about the archive `path`."""
    try:
        yield
    except errors as error:
        if isinstance(error, InputError) or (isinstance(error, OSError) and error.errno):  # of the file system
            raise
        reason = RAR_REASONS.get(getattr(error, "code", 0), f"truncated or corrupt archive ({error})")
        raise InputError(f"{path}: {reason}") from error


def _kind(mode: int, is_folder: bool) -> str:
    """Return a member's kind. mode: Unix file mode; zero if the archive was not made on Unix."""
    if is_folder:
        return "folder"
    return "file" if stat.S_IFMT(mode) in (0, stat.S_IFREG) else "other"


def _zip(path: Path) -> Iterator[Member]:
    with zipfile.ZipFile(path) as archive:
        for info in archive.infolist():
            name = info.filename.replace("\\", "/") if info.create_system == 0 else info.filename  # 0: Windows
            if info.flag_bits & 1:
                raise InputError(f"{path}: member {name!r} is {ENCRYPTED}")
            if info.compress_type not in ZIP_METHODS:
                method = ZIP_NAMES.get(info.compress_type, info.compress_type)
                raise InputError(
                    f"{path}: member {name!r} is compressed by the method {method}, which Python cannot "
                    "read; unpack it with another program (7z x) and set the folder as source"
                )
            kind = _kind(info.external_attr >> 16, name.endswith("/"))
            yield Member(name, info.file_size, kind, partial(archive.open, info))


def _tar(path: Path, opener: Callable[..., Any]) -> Iterator[Member]:
    with opener(path, "rb") as file, tarfile.open(fileobj=file, mode="r:") as archive:
        for info in archive:
            kind = "file" if info.isreg() else "folder" if info.isdir() else "other"
            yield Member(info.name, info.size, kind, partial(archive.extractfile, info))
        # tarfile accepts a file that was cut between two members; the format ends with blocks of zeros
        file.seek(archive.offset)
        if file.read(tarfile.BLOCKSIZE) != bytes(tarfile.BLOCKSIZE):
            raise InputError(f"{path}: truncated or corrupt archive (the end mark is missing)")
        while file.read(tarfile.RECORDSIZE):  # a checksum of the content stands at the end of compressed ones
            pass


def _rar(path: Path) -> Iterator[Member]:
    """Yield the members of a RAR2, RAR3 or RAR5 archive, solid or not, in one pass of the reference decoder."""
    from unrar.cffi import unrarlib

    with explained(path, unrarlib.BadRarFile), unrarlib.RarArchive.open_for_processing(path) as archive:
        unfinished = 0
        while True:
            # the package's iterate_headers() mistakes a corrupt header for the end, so read the headers here
            data = unrarlib.RARHeaderDataEx()
            result = unrarlib.RARReadHeaderEx(archive.handle, data)
            if result == RAR_END:
                return
            header = unrarlib.RarHeader(archive, data)
            if result != unrarlib.FLAGS_SUCCESS:  # after a member that goes on elsewhere, unrar has a code for anything
                raise unrarlib.BadRarFile(RAR_NO_VOLUME if unfinished else result, f"unrar's code {result}")
            if header.Flags & RAR_SPLIT_BEFORE:
                raise unrarlib.BadRarFile(RAR_NO_VOLUME, "the archive begins in another volume")
            unfinished = header.Flags & RAR_SPLIT_AFTER
            opened: list[IO[bytes]] = []  # the decoder must read or skip each member once

            def read(header=header, opened=opened) -> IO[bytes]:
                opened.append(BytesIO())
                with explained(path, unrarlib.BadRarFile):
                    header.test(opened[0].write)
                opened[0].seek(0)
                return opened[0]

            mode = data.FileAttr if header.HostOS == RAR_UNIX else 0
            kind = _kind(mode, bool(header.Flags & unrarlib.FLAGS_RHDF_DIRECTORY))
            size = header.UnpSize + (header.UnpSizeHigh << 32)
            yield Member(header.FileNameW, size, "other" if data.RedirType else kind, read)
            if not opened:
                header.skip()
