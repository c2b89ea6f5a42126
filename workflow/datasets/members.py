"""The members of a ZIP, TAR or RAR archive, one after the other, each readable while it is current."""

import gzip
import lzma
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from workflow.datasets.errors import DataError

CHUNK = 1 << 20
DAMAGE = (zipfile.BadZipFile, tarfile.TarError, EOFError, zlib.error, lzma.LZMAError, gzip.BadGzipFile)


@dataclass(frozen=True)
class Member:
    """name: as in the archive. read: chunks of its bytes, while it is the current member."""

    name: str
    size: int
    is_file: bool
    is_folder: bool
    read: Callable[[], Iterator[bytes]]


def open_archive(path: Path) -> Iterator[Member]:
    """The members of the archive at `path`, whose kind its first bytes tell; raises DataError."""
    with path.open("rb") as file:
        start = file.read(8)
    if start[:4] in (b"PK\x03\x04", b"PK\x05\x06"):
        reader = _zip
    elif start[:7] in (b"Rar!\x1a\x07\x00", b"Rar!\x1a\x07\x01"):
        from workflow.datasets.rar import members as reader
    elif tarfile.is_tarfile(path):
        reader = _tar
    else:
        raise DataError(f"{path}: neither a ZIP nor a TAR nor a RAR archive (it begins with {start!r})")
    yield from reader(path)


@contextmanager
def explained(path: Path, errors: type[Exception] | tuple[type[Exception], ...] = DAMAGE) -> Iterator[None]:
    """Turn a library's `errors`, by default those of Python's own, into one sentence about the archive at `path`."""
    try:
        yield
    except errors as error:
        raise DataError(f"{path}: truncated or damaged archive ({error})") from error


def chunks(file) -> Iterator[bytes]:
    while chunk := file.read(CHUNK):
        yield chunk


def _zip(path: Path) -> Iterator[Member]:
    with zipfile.ZipFile(path) as archive:
        for info in archive.infolist():
            if info.flag_bits & 1:
                raise DataError(f"{path}: member {info.filename!r} is encrypted")
            mode = info.external_attr >> 16  # zero where the archive was made on Windows
            ordinary = stat.S_IFMT(mode) in (0, stat.S_IFREG)

            def read(info=info) -> Iterator[bytes]:
                with archive.open(info) as file:
                    yield from chunks(file)

            yield Member(info.filename, info.file_size, ordinary and not info.is_dir(), info.is_dir(), read)


def _tar(path: Path) -> Iterator[Member]:
    with tarfile.open(path) as archive:
        for info in archive:

            def read(info=info) -> Iterator[bytes]:
                yield from chunks(archive.extractfile(info))

            yield Member(info.name, info.size, info.isreg(), info.isdir(), read)
        # tarfile takes a file cut between two members for whole; the format ends with blocks of zeros
        archive.fileobj.seek(archive.offset)
        if archive.fileobj.read(tarfile.BLOCKSIZE) != bytes(tarfile.BLOCKSIZE):
            raise DataError(f"{path}: truncated archive (the end mark is missing)")
