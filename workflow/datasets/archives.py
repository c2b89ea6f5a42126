"""Unpack ZIP, TAR and RAR archives, including nested ones, into a folder that is created complete or not at all.

Archives are untrusted: name, kind and declared size of every member are checked before anything is written, and no
member may exceed its declared size. FOLDER.json, written last, holds the checksum of every file.
"""

import hashlib
import shutil
import sys
from pathlib import Path, PurePosixPath

from workflow.datasets.members import CORRUPT, Member, explained, members
from workflow.storage import seal
from workflow.storage.errors import InputError
from workflow.storage.files import read_json, require_free_space, write_json

TARS = (".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tbz", ".tbz2", ".tar.xz", ".txz", ".tar.zst")
ARCHIVES = (".zip", ".rar", ".7z", *TARS)
LIMIT = 16 << 30  # bytes unpacked; an archive that declares more is refused as a decompression bomb
CHUNK = 1 << 20
DEEPEST = 200  # folders; an archive can hold itself


def is_archive(path: Path) -> bool:
    return path.name.lower().endswith(ARCHIVES) and not path.name.startswith(".")  # such as companions of macOS


def digests(folder: Path) -> dict[str, str]:
    """Return {relative path: sha256} of the files unpacked to `folder`; empty if `folder` was not unpacked by us."""
    record = folder.with_name(folder.name + ".json")
    content = read_json(record) if record.is_file() else {}
    files = content[seal.FILES] if seal.SEAL in content else {}
    return {name.partition("/")[2]: digest for name, digest in files.items()}


def unpack(archive: Path, folder: Path, sha256: str) -> Path:
    """Unpack `archive`, and the archives in it, into the new folder `folder`; returns `folder`.

    sha256: checksum of the archive when it was downloaded. If an earlier call left an intact `folder`, nothing is done.
    Raises DamagedError if the archive has changed, InputError if it is unreadable or unsafe; `folder` is not created
    then.
    """
    record = folder.with_name(folder.name + ".json")
    if folder.is_dir() and record.is_file():
        damages = seal.damages(record)
        if not damages:
            return folder
        print(f"{damages[0].partition(';')[0]}; unpacking {archive} again", file=sys.stderr)
    if not archive.is_file():
        raise seal.DamagedError(f"{archive} is missing; it was downloaded before")
    if seal.digest(archive) != sha256:
        raise seal.DamagedError(f"{archive} is corrupt: its sha256 was {sha256[:12]}... when it was downloaded")
    staging = folder.with_name(folder.name + ".part")
    for remains in (staging, folder):
        shutil.rmtree(remains, ignore_errors=True)
    staging.mkdir(parents=True)
    try:
        written = _copy_members(archive, staging, LIMIT)
        while inner := next((path for path in sorted(written) if is_archive(path)), None):
            left = LIMIT - sum(path.stat().st_size for path in written)
            # a separate folder, so that the content of class.rar does not mix with a folder class/ next to it
            try:
                written |= _copy_members(inner, inner.with_name(inner.name.partition(".")[0]), left)
            except InputError as error:
                reason = str(error).removeprefix(f"{inner}: ")
                raise InputError(f"{archive}: in its member {inner.relative_to(staging)}: {reason}") from None
            inner.unlink()
            del written[inner]
        staging.rename(folder)
    finally:
        shutil.rmtree(staging, ignore_errors=True)
    files = {printable(folder.name / path.relative_to(staging)): written[path] for path in sorted(written)}
    write_json(record, seal.sealed({"archive": archive.name}, files))
    return folder


def printable(path: Path) -> str:
    """Return the path with forward slashes; bytes that are not UTF-8 are escaped."""
    return path.as_posix().encode(errors="backslashreplace").decode()


def _copy_members(archive: Path, folder: Path, limit: int) -> dict[Path, str]:
    """Unpack one archive, but no nested ones; return the sha256 of each file written."""
    written = {}
    with explained(archive, *CORRUPT):
        require_free_space(folder, _checked_size(archive, limit))
        for member in members(archive):
            if member.kind == "folder":
                continue
            target = folder / member.name
            if target in written:
                raise InputError(f"{archive}: contains member {member.name!r} twice")
            if len(target.parts) > DEEPEST:
                raise InputError(f"{archive}: member {member.name!r:.40}... is nested more than {DEEPEST} folders deep")
            try:
                target.parent.mkdir(parents=True, exist_ok=True)
                written[target] = _write(member, target, archive)
            except OSError as error:  # of a name: too long, both file and folder; a full disk; a damaged stream
                raise InputError(f"{archive}: member {member.name!r}: {error.strerror or error}") from None
    return written


def _checked_size(archive: Path, limit: int) -> int:
    """Return the total declared size in bytes. Raises InputError for the first unsafe member."""
    total = files = 0
    for member in members(archive):
        name = PurePosixPath(member.name)
        if name.is_absolute() or ".." in name.parts or "\0" in member.name:
            raise InputError(f"{archive}: member {member.name!r} would be written outside the target folder")
        if member.kind == "file" and not name.name:
            raise InputError(f"{archive}: a member has no name ({member.name!r}); expected the path of a file")
        if member.kind == "other":
            raise InputError(f"{archive}: member {member.name!r} is a link or a device; expected files and folders")
        total += member.size
        files += member.kind == "file"
        if total > limit:
            raise InputError(f"{archive}: its members declare more than {limit / 1e9:.2f} GB, the limit")
    if not files:
        raise InputError(f"{archive}: holds no file; the archive is empty or its beginning is missing")
    return total


def _write(member: Member, target: Path, archive: Path) -> str:
    """Write a member; return the sha256 of its bytes in the archive, so that a later check detects disk errors."""
    written, digest = 0, hashlib.sha256()
    with member.open() as source, target.open("xb") as file:
        while written <= member.size and (chunk := source.read(CHUNK)):
            file.write(chunk)
            digest.update(chunk)
            written += len(chunk)
    if written != member.size:
        found = "more" if written > member.size else f"only {written}"
        raise InputError(f"{archive}: member {member.name!r} declares {member.size} bytes and has {found}")
    return digest.hexdigest()
