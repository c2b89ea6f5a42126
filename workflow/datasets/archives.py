"""Unpack ZIP, TAR and RAR, also RAR in RAR, into a folder that appears whole or not at all.

An archive is a stranger: nothing is written before every member's name, kind and declared size are known to
be harmless, and no member may grow beyond the size it declared. FOLDER.json, written last, vouches for every file.
"""

import hashlib
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from workflow.datasets.errors import DataError
from workflow.datasets.files import file_digest, read_json, write_json
from workflow.datasets.members import Member, explained, open_archive
from workflow.datasets.transfer import need_space
from workflow.storage import seal

ARCHIVES = (".zip", ".rar", ".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz")
MEMBERS_LIMIT = 1_000_000


def is_archive(path: Path) -> bool:
    return path.name.lower().endswith(ARCHIVES)


def record(folder: Path) -> Path:
    """The JSON beside an unpacked folder: sealed, with the sha256 of every file below it."""
    return folder.with_name(folder.name + ".json")


def digests(folder: Path) -> dict[str, str]:
    """sha256 of every file below an unpacked `folder`, by its path from there, as they came out of the archive."""
    return {name.partition("/")[2]: digest for name, digest in read_json(record(folder))[seal.FILES].items()}


def unpack(archive: Path, folder: Path, limit: int, sha256: str = "") -> Path:
    """Unpack `archive` into the new folder `folder`, archives inside it too; returns `folder`.

    limit: bytes that all members together may take. sha256: of the archive as it came, where that is known. An existing
    `folder` is the work of an earlier call and is returned as it is, unless a file in it is not what it was. Raises
    DamagedError if the archive is not the one that came, DataError if it cannot be unpacked or is unsafe, and then
    leaves no `folder`.
    """
    if folder.is_dir() and record(folder).is_file():
        damages = seal.damages(record(folder))
        if not damages:
            return folder
        print(f"{damages[0].partition(';')[0]}; {archive} is unpacked anew", file=sys.stderr)
    if sha256 and not archive.is_file():
        raise seal.DamagedError(f"{archive} is missing, it was there once")
    if sha256 and file_digest(archive) != sha256:
        raise seal.DamagedError(f"{archive} is damaged, its sha256 is not the {sha256[:12]}... that it came with")
    staging = folder.with_name(folder.name + ".part")
    for remains in (staging, folder):
        shutil.rmtree(remains, ignore_errors=True)
    staging.mkdir(parents=True)
    try:
        written = _unpack_one(archive, staging, limit)
        while inner := next((path for path in sorted(written) if is_archive(path)), None):
            left = limit - sum(path.stat().st_size for path in written)
            # a folder of its own keeps class.rar and class/ apart from what lies beside them
            written |= _unpack_one(inner, inner.with_name(inner.name.partition(".")[0]), left)
            inner.unlink()
            del written[inner]
        staging.rename(folder)
    finally:
        shutil.rmtree(staging, ignore_errors=True)
    files = {_printable(folder.name / path.relative_to(staging)): written[path] for path in sorted(written)}
    write_json(record(folder), seal.sealed({"archive": archive.name}, files))
    return folder


def _printable(path: Path) -> str:
    return path.as_posix().encode(errors="backslashreplace").decode()  # a name may be no UTF-8


def _unpack_one(archive: Path, folder: Path, limit: int) -> dict[Path, str]:
    """Unpack one archive without looking inside its members; the sha256 of each file written."""
    with explained(archive):
        return _copy_members(archive, folder, limit)


def _copy_members(archive: Path, folder: Path, limit: int) -> dict[Path, str]:
    sizes = {member.name: member.size for member in checked(archive, limit)}
    if not sizes:
        raise DataError(f"{archive}: holds no file; the archive is empty or was cut at its beginning")
    need_space(folder, sum(sizes.values()))
    written = {}
    for member in open_archive(archive):
        if member.is_folder:
            continue
        target = folder / member.name
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            with target.open("xb") as file:
                written[target] = _write(member, file, archive)
        except FileExistsError:
            raise DataError(f"{archive}: member {member.name!r} is there twice") from None
    return written


def _write(member: Member, file, archive: Path) -> str:
    """Write a member; the sha256 of what the archive gave, whatever becomes of it on the disk."""
    written, digest = 0, hashlib.sha256()
    for chunk in member.read():
        written += len(chunk)
        if written > member.size:
            raise DataError(f"{archive}: member {member.name!r} is larger than the {member.size} bytes it declares")
        file.write(chunk)
        digest.update(chunk)
    if written != member.size:
        raise DataError(f"{archive}: member {member.name!r} has {written} bytes, declared are {member.size}")
    return digest.hexdigest()


def checked(archive: Path, limit: int) -> Iterator[Member]:
    """The members that are files, each checked; raises DataError at the first that may do harm."""
    total = 0
    for number, member in enumerate(open_archive(archive), start=1):
        parts = PurePosixPath(member.name).parts
        if not (parts or member.is_folder) or member.name.startswith("/") or ".." in parts or "\0" in member.name:
            raise DataError(f"{archive}: member {member.name!r} would be written outside the target folder")
        if not (member.is_file or member.is_folder):
            raise DataError(f"{archive}: member {member.name!r} is a link or a device; expected files and folders")
        total += member.size
        if total > limit:
            raise DataError(f"{archive}: its members declare more than {limit / 1e9:.2f} GB, the most this set can be")
        if number > MEMBERS_LIMIT:
            raise DataError(f"{archive}: more than {MEMBERS_LIMIT} members")
        if member.is_file:
            yield member
