"""RAR archives, by the wheel unrar2-cffi (it bundles the reference decoder), the system's libarchive or bsdtar."""

import importlib.util
import os
import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

from workflow.datasets.errors import DataError
from workflow.datasets.members import Member, chunks, explained

END_OF_ARCHIVE = 10  # of unrar's dll.hpp
UNIX = 3
FORMAT_MASK, SYMLINK = 0o170000, 0o120000  # of Unix' file modes


def members(path: Path) -> Iterator[Member]:
    """The members of a RAR2, RAR3 or RAR5 archive, solid or not, in one pass."""
    if importlib.util.find_spec("unrar"):
        yield from _by_unrar(path)
    elif library := _libarchive():
        yield from _by_libarchive(path, library)
    elif shutil.which("bsdtar"):
        yield from _by_bsdtar(path)
    else:
        raise DataError(
            f"{path}: nothing here can read RAR; install the Python package unrar2-cffi "
            "(part of requirements.txt), the system's libarchive or the program bsdtar"
        )


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


def _libarchive() -> ModuleType | None:
    """The binding of the system's libarchive; importing it without that library raises any of these."""
    try:
        import libarchive
    except (ImportError, OSError, AttributeError, TypeError):
        return None
    return libarchive


def _by_libarchive(path: Path, libarchive: ModuleType) -> Iterator[Member]:
    error = libarchive.ArchiveError  # also for solid archives, which unrar2-cffi reads
    with explained(path, error), libarchive.file_reader(str(path)) as archive:
        for entry in archive:

            def read(entry=entry) -> Iterator[bytes]:
                with explained(path, error):
                    yield from entry.get_blocks()

            yield Member(entry.pathname, entry.size or 0, entry.isfile, entry.isdir, read)


def _by_bsdtar(path: Path) -> Iterator[Member]:
    """bsdtar turns the archive into a TAR stream, which is read here member by member: it writes no file itself."""
    command = ["bsdtar", "--create", "--file", "-", "--format", "pax", f"@{path.resolve()}"]
    with tempfile.TemporaryFile() as complaints:
        utf8 = {**os.environ, "LC_ALL": "C.UTF-8"}  # else names beyond ASCII are refused
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=complaints, env=utf8) as program:
            try:
                with explained(path), tarfile.open(fileobj=program.stdout, mode="r|") as archive:
                    for info in archive:

                        def read(info=info) -> Iterator[bytes]:
                            with explained(path):
                                yield from chunks(archive.extractfile(info))

                        yield Member(info.name, info.size, info.isreg(), info.isdir(), read)
                    program.stdout.read()  # the padding
            finally:
                program.stdout.close()  # a reader that stops early must not leave the program writing
                code = program.wait()
        complaints.seek(0)
        if code:
            last = complaints.read().decode(errors="replace").strip().rpartition("\n")[2]
            raise DataError(f"{path}: truncated or damaged archive (bsdtar: {last})")
