"""Unpack ZIP, TAR and RAR, also RAR in RAR, into a folder that appears whole or not at all.

An archive is a stranger: nothing is written before every member's name, kind and declared size are known to
be harmless, and no member may grow beyond the size it declared.
"""

import shutil
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from workflow.datasets.errors import DataError
from workflow.datasets.members import Member, explained, open_archive
from workflow.datasets.transfer import need_space

ARCHIVES = (".zip", ".rar", ".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz")
MEMBERS_LIMIT = 1_000_000


def is_archive(path: Path) -> bool:
    return path.name.lower().endswith(ARCHIVES)


def unpack(archive: Path, folder: Path, limit: int) -> Path:
    """Unpack `archive` into the new folder `folder`, archives inside it too; returns `folder`.

    limit: bytes that all members together may take. An existing `folder` is the work of an earlier call and
    is returned as it is. Raises DataError, and leaves no `folder`, if the archive is damaged or unsafe.
    """
    if folder.is_dir():
        return folder
    staging = folder.with_name(folder.name + ".part")
    shutil.rmtree(staging, ignore_errors=True)
    staging.mkdir(parents=True)
    try:
        left = limit - _unpack_one(archive, staging, limit)
        while inner := next((path for path in sorted(staging.rglob("*")) if is_archive(path)), None):
            # a folder of its own keeps class.rar and class/ apart from what lies beside them
            left -= _unpack_one(inner, inner.with_name(inner.name.partition(".")[0]), left)
            inner.unlink()
        staging.rename(folder)
    finally:
        shutil.rmtree(staging, ignore_errors=True)
    return folder


def _unpack_one(archive: Path, folder: Path, limit: int) -> int:
    """Unpack one archive without looking inside its members; returns the bytes written."""
    with explained(archive):
        return _copy_members(archive, folder, limit)


def _copy_members(archive: Path, folder: Path, limit: int) -> int:
    sizes = {member.name: member.size for member in checked(archive, limit)}
    if not sizes:
        raise DataError(f"{archive}: holds no file; the archive is empty or was cut at its beginning")
    total = sum(sizes.values())
    need_space(folder, total)
    for member in open_archive(archive):
        if member.is_folder:
            continue
        target = folder / member.name
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            with target.open("xb") as file:
                written = _write(member, file, archive)
        except FileExistsError:
            raise DataError(f"{archive}: member {member.name!r} is there twice") from None
        if written != member.size:
            raise DataError(f"{archive}: member {member.name!r} has {written} bytes, declared are {member.size}")
    return total


def _write(member: Member, file, archive: Path) -> int:
    written = 0
    for chunk in member.read():
        written += len(chunk)
        if written > member.size:
            raise DataError(f"{archive}: member {member.name!r} is larger than the {member.size} bytes it declares")
        file.write(chunk)
    return written


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
