"""The members of a ZIP or TAR archive, in order; each can be read while it is the current one."""

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
from typing import IO

from workflow.datasets.errors import DataError

CHUNK = 1 << 20
CORRUPT = (zipfile.BadZipFile, tarfile.TarError, EOFError, zlib.error, lzma.LZMAError, gzip.BadGzipFile)


@dataclass(frozen=True)
class Member:
    """name: as in the archive. size: as declared. read: its bytes in chunks, while it is the current member."""

    name: str
    size: int
    is_file: bool
    is_folder: bool
    read: Callable[[], Iterator[bytes]]


@contextmanager
def explained(path: Path, errors: type[Exception] | tuple[type[Exception], ...] = CORRUPT) -> Iterator[None]:
    """Turn the `errors` of a library (default: those of Python's own) into a DataError about the archive `path`."""
    try:
        yield
    except errors as error:
        raise DataError(f"{path}: truncated or corrupt archive ({error})") from error


def chunks(file: IO[bytes] | None) -> Iterator[bytes]:
    while file and (chunk := file.read(CHUNK)):
        yield chunk


def zip_members(path: Path) -> Iterator[Member]:
    with zipfile.ZipFile(path) as archive:
        for info in archive.infolist():
            if info.flag_bits & 1:
                raise DataError(f"{path}: member {info.filename!r} is encrypted")
            mode = info.external_attr >> 16  # zero if the archive was made on Windows
            ordinary = stat.S_IFMT(mode) in (0, stat.S_IFREG)

            def read(info: zipfile.ZipInfo = info) -> Iterator[bytes]:
                with archive.open(info) as file:
                    yield from chunks(file)

            yield Member(info.filename, info.file_size, ordinary and not info.is_dir(), info.is_dir(), read)


def tar_members(path: Path) -> Iterator[Member]:
    with path.open("rb") as file, tarfile.open(fileobj=file) as archive:
        for info in archive:

            def read(info: tarfile.TarInfo = info) -> Iterator[bytes]:
                yield from chunks(archive.extractfile(info))

            yield Member(info.name, info.size, info.isreg(), info.isdir(), read)
        # tarfile accepts a file that was cut between two members; the format ends with blocks of zeros
        assert archive.fileobj is not None
        archive.fileobj.seek(archive.offset)
        if archive.fileobj.read(tarfile.BLOCKSIZE) != bytes(tarfile.BLOCKSIZE):
            raise DataError(f"{path}: truncated archive (the end mark is missing)")
