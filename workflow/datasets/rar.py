"""The members of a RAR archive, by the package unrar2-cffi (with the reference decoder) or libarchive."""

import importlib.util
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

from workflow.datasets.errors import DataError
from workflow.datasets.members import Member, explained

END_OF_ARCHIVE = 10  # of unrar's dll.hpp
UNIX = 3
FORMAT_MASK, SYMLINK = 0o170000, 0o120000  # of Unix' file modes


def rar_members(path: Path) -> Iterator[Member]:
    """The members of a RAR2, RAR3 or RAR5 archive, solid or not, in one pass."""
    if importlib.util.find_spec("unrar"):
        yield from _by_unrar(path)
    elif library := _libarchive():
        yield from _by_libarchive(path, library)
    else:
        raise DataError(
            f"{path}: nothing on this machine can read RAR; install the Python package unrar2-cffi "
            "(in requirements.txt) or the system's libarchive"
        )


def _by_unrar(path: Path) -> Iterator[Member]:
    from unrar.cffi import unrarlib

    with explained(path, unrarlib.BadRarFile), unrarlib.RarArchive.open_for_processing(path) as archive:
        while True:
            # iterate_headers() of the package takes a corrupt header for the end, so read the headers here
            data = unrarlib.RARHeaderDataEx()
            result = unrarlib.RARReadHeaderEx(archive.handle, data)
            if result == END_OF_ARCHIVE:
                return
            if result != unrarlib.FLAGS_SUCCESS:
                raise DataError(f"{path}: truncated or corrupt archive (unrar's code {result})")
            header = unrarlib.RarHeader(archive, data)
            was_read: list[bool] = []  # the decoder must read or skip each member once

            def read(header=header, was_read=was_read) -> Iterator[bytes]:
                content: list[bytes] = []
                was_read.append(True)
                with explained(path, unrarlib.BadRarFile):
                    header.test(content.append)
                yield from content

            folder = bool(header.Flags & unrarlib.FLAGS_RHDF_DIRECTORY)
            symbolic = header.HostOS == UNIX and data.FileAttr & FORMAT_MASK == SYMLINK
            link = symbolic or data.RedirType != 0
            size = header.UnpSize + (header.UnpSizeHigh << 32)
            yield Member(header.FileNameW, size, not folder and not link, folder, read)
            if not was_read:
                header.skip()


def _libarchive() -> ModuleType | None:
    """The binding of the system's libarchive; its import raises any of these errors where the library is missing."""
    try:
        import libarchive
    except (ImportError, OSError, AttributeError, TypeError):
        return None
    return libarchive


def _by_libarchive(path: Path, libarchive: ModuleType) -> Iterator[Member]:
    error = libarchive.ArchiveError  # raised for solid archives too, which only unrar2-cffi reads
    with explained(path, error), libarchive.file_reader(str(path)) as archive:
        for entry in archive:

            def read(entry=entry) -> Iterator[bytes]:
                with explained(path, error):
                    yield from entry.get_blocks()

            yield Member(entry.pathname, entry.size or 0, entry.isfile, entry.isdir, read)
