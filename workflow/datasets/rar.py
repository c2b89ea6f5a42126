"""RAR archives, by the wheel unrar2-cffi (it bundles the reference decoder) or the system's libarchive."""

import importlib.util
from collections.abc import Iterator
from pathlib import Path

from workflow.datasets.errors import DataError
from workflow.datasets.members import Member, explained

END_OF_ARCHIVE = 10  # of unrar's dll.hpp
UNIX = 3
FORMAT_MASK, SYMLINK = 0o170000, 0o120000  # of Unix' file modes


def members(path: Path) -> Iterator[Member]:
    """The members of a RAR2, RAR3 or RAR5 archive, solid or not, in one pass."""
    if importlib.util.find_spec("unrar"):
        yield from _by_unrar(path)
    else:
        yield from _by_libarchive(path)


def _by_unrar(path: Path) -> Iterator[Member]:
    from unrar.cffi import unrarlib

    with explained(path, unrarlib.BadRarFile), unrarlib.RarArchive.open_for_processing(path) as archive:
        while True:
            # iterate_headers() of the wheel takes a damaged header for the end, so read them here
            data = unrarlib.RARHeaderDataEx()
            result = unrarlib.RARReadHeaderEx(archive.handle, data)
            if result == END_OF_ARCHIVE:
                return
            if result != unrarlib.FLAGS_SUCCESS:
                raise DataError(f"{path}: truncated or damaged archive (unrar's code {result})")
            header = unrarlib.RarHeader(archive, data)
            taken = []  # the decoder moves on once for every header: by reading or by skipping

            def read(header=header, taken=taken) -> Iterator[bytes]:
                chunks: list[bytes] = []
                taken.append(True)
                with explained(path, unrarlib.BadRarFile):
                    header.test(chunks.append)
                yield from chunks

            folder = bool(header.Flags & unrarlib.FLAGS_RHDF_DIRECTORY)
            symbolic = header.HostOS == UNIX and data.FileAttr & FORMAT_MASK == SYMLINK
            link = symbolic or data.RedirType != 0
            size = header.UnpSize + (header.UnpSizeHigh << 32)
            yield Member(header.FileNameW, size, not folder and not link, folder, read)
            if not taken:
                header.skip()


def _by_libarchive(path: Path) -> Iterator[Member]:
    try:
        import libarchive
    except (ImportError, OSError, AttributeError, TypeError):
        raise DataError(
            f"{path}: nothing here can read RAR; install the Python package unrar2-cffi "
            "(part of requirements.txt) or the system's libarchive"
        ) from None

    error = libarchive.ArchiveError  # also for solid archives, which unrar2-cffi reads
    with explained(path, error), libarchive.file_reader(str(path)) as archive:
        for entry in archive:

            def read(entry=entry) -> Iterator[bytes]:
                with explained(path, error):
                    yield from entry.get_blocks()

            yield Member(entry.pathname, entry.size or 0, entry.isfile, entry.isdir, read)
