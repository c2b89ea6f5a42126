"""Unpack ZIP, TAR and RAR archives, nested ones too, into a folder that appears whole or not at all.

Archives are not trusted: nothing is written before the name, kind and declared size of every member are checked, and
no member may exceed its declared size. FOLDER.json, written last, holds the checksum of every file.
"""

import hashlib
import shutil
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import IO

from workflow.datasets.errors import DataError
from workflow.datasets.members import Member, explained, tar_members, zip_members
from workflow.datasets.rar import rar_members
from workflow.datasets.transfer import need_space
from workflow.storage import seal
from workflow.storage.files import read_json, write_json

ARCHIVES = (".zip", ".rar", ".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz")
MEMBERS_LIMIT = 1_000_000


def is_archive(path: Path) -> bool:
    return path.name.lower().endswith(ARCHIVES)


def members(path: Path) -> Iterator[Member]:
    """The members of the archive at `path`, whose kind is read from its first bytes; DataError if it is none."""
    with path.open("rb") as file:
        start = file.read(8)
    if start[:4] in (b"PK\x03\x04", b"PK\x05\x06"):
        return zip_members(path)
    if start[:7] in (b"Rar!\x1a\x07\x00", b"Rar!\x1a\x07\x01"):
        return rar_members(path)
    if tarfile.is_tarfile(path):
        return tar_members(path)
    raise DataError(f"{path}: neither a ZIP nor a TAR nor a RAR archive (it begins with {start!r})")


def record(folder: Path) -> Path:
    """The sealed JSON next to an unpacked folder, with the sha256 of every file in it."""
    return folder.with_name(folder.name + ".json")


def digests(folder: Path) -> dict[str, str]:
    """sha256 of every file in an unpacked `folder`, by its path below it, as it came out of the archive."""
    return {name.partition("/")[2]: digest for name, digest in read_json(record(folder))[seal.FILES].items()}


def unpack(archive: Path, folder: Path, limit: int, sha256: str = "") -> Path:
    """Unpack `archive`, and the archives in it, into the new folder `folder`; returns `folder`.

    limit: bytes that all members together may take. sha256: that of the archive when it was downloaded, if known. An
    intact `folder` of an earlier call is returned as it is. Raises DamagedError if the archive has changed, DataError
    if it cannot be unpacked or is unsafe; then there is no `folder`.
    """
    if folder.is_dir() and record(folder).is_file():
        damages = seal.damages(record(folder))
        if not damages:
            return folder
        print(f"{damages[0].partition(';')[0]}; unpacking {archive} again", file=sys.stderr)
    if sha256 and not archive.is_file():
        raise seal.DamagedError(f"{archive} is missing; it was downloaded before")
    if sha256 and seal.digest(archive) != sha256:
        raise seal.DamagedError(f"{archive} is corrupt: its sha256 was {sha256[:12]}... when it was downloaded")
    staging = folder.with_name(folder.name + ".part")
    for remains in (staging, folder):
        shutil.rmtree(remains, ignore_errors=True)
    staging.mkdir(parents=True)
    try:
        written = _copy_members(archive, staging, limit)
        while inner := next((path for path in sorted(written) if is_archive(path)), None):
            left = limit - sum(path.stat().st_size for path in written)
            # a folder of its own keeps the content of class.rar apart from a folder class/ next to it
            written |= _copy_members(inner, inner.with_name(inner.name.partition(".")[0]), left)
            inner.unlink()
            del written[inner]
        staging.rename(folder)
    finally:
        shutil.rmtree(staging, ignore_errors=True)
    files = {_printable(folder.name / path.relative_to(staging)): written[path] for path in sorted(written)}
    write_json(record(folder), seal.sealed({"archive": archive.name}, files))
    return folder


def _printable(path: Path) -> str:
    return path.as_posix().encode(errors="backslashreplace").decode()  # a name may not be UTF-8


def _copy_members(archive: Path, folder: Path, limit: int) -> dict[Path, str]:
    """Unpack one archive but no archives in it; the sha256 of each file written."""
    with explained(archive):
        sizes = {member.name: member.size for member in checked(archive, limit)}
        if not sizes:
            raise DataError(f"{archive}: holds no file; the archive is empty or its beginning is missing")
        need_space(folder, sum(sizes.values()))
        written = {}
        for member in members(archive):
            if member.is_folder:
                continue
            target = folder / member.name
            target.parent.mkdir(parents=True, exist_ok=True)
            try:
                with target.open("xb") as file:
                    written[target] = _write(member, file, archive)
            except FileExistsError:
                raise DataError(f"{archive}: contains member {member.name!r} twice") from None
        return written


def _write(member: Member, file: IO[bytes], archive: Path) -> str:
    """Write a member; the sha256 of its bytes in the archive, so that a disk error shows later."""
    written, digest = 0, hashlib.sha256()
    for chunk in member.read():
        written += len(chunk)
        if written > member.size:
            raise DataError(f"{archive}: member {member.name!r} is larger than the {member.size} bytes it declares")
        file.write(chunk)
        digest.update(chunk)
    if written != member.size:
        raise DataError(f"{archive}: member {member.name!r} has {written} bytes but declares {member.size}")
    return digest.hexdigest()


def checked(archive: Path, limit: int) -> Iterator[Member]:
    """The members that are files; raises DataError at the first unsafe member."""
    total = 0
    for number, member in enumerate(members(archive), start=1):
        names = PurePosixPath(member.name).parts
        if not (names or member.is_folder) or member.name.startswith("/") or ".." in names or "\0" in member.name:
            raise DataError(f"{archive}: member {member.name!r} would be written outside the target folder")
        if not (member.is_file or member.is_folder):
            raise DataError(f"{archive}: member {member.name!r} is a link or a device; expected files and folders")
        total += member.size
        if total > limit:
            raise DataError(f"{archive}: its members declare more than {limit / 1e9:.2f} GB, the limit of this set")
        if number > MEMBERS_LIMIT:
            raise DataError(f"{archive}: more than {MEMBERS_LIMIT} members")
        if member.is_file:
            yield member
