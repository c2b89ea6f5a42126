"""JSON files with checksums of themselves and of the files they describe, so corruption is found before use.

`seal` is the sha256 of everything else in the JSON; `files` holds the sha256 of each file. The JSON is written last
and deleted first: if it exists, everything it describes is complete.
"""

import hashlib
from collections.abc import Container, Iterable
from pathlib import Path
from typing import Any

from workflow.storage import files
from workflow.storage.errors import InputError, naming

SEAL, FILES = "seal", "files"


class DamagedError(InputError):
    """A file does not match its checksum; the message names it and the remedy."""


def sealed(content: dict[str, Any], digests: dict[str, str] | None = None) -> dict[str, Any]:
    """Return `content` with its seal. digests: sha256 of the files it describes, by path relative to the JSON."""
    content = {**content, FILES: digests} if digests else dict(content)
    return {**content, SEAL: seal(content)}


def write(path: Path, content: dict[str, Any], names: Iterable[str] = ()) -> None:
    """Write `content` as sealed JSON, with the digests of the files `names`, relative to its folder."""
    files.write_json(path, sealed(content, {name: digest(path.parent / name) for name in names}))


def seal(content: dict[str, Any]) -> str:
    return files.digest({key: value for key, value in content.items() if key != SEAL})


def broken(content: Any) -> bool:
    """Return whether JSON has no seal, or one that does not match."""
    return not isinstance(content, dict) or content.get(SEAL) != seal(content)


def digest(path: Path) -> str:
    """Return the sha256 of a file's bytes."""
    with naming(path), path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def require(path: Path, names: tuple[str, ...] = ()) -> None:
    """Raise DamagedError if the JSON `path` or one of its files in `names` is corrupt. A missing JSON is accepted."""
    for found in damages(path, only=names) if path.is_file() else ():
        raise DamagedError(found)


def damages(path: Path, but: Container[str] = (), only: Container[str] | None = None) -> list[str]:
    """Return one sentence per defect of a sealed JSON and of the files it describes.

    but: files to skip. only: files to check; None: all.
    """
    remedy = f"delete {path} and rerun; it will be rebuilt"
    try:
        content = files.from_json(path.read_bytes().decode())
    except ValueError as error:  # neither JSON nor UTF-8
        return [f"{path} is corrupt: not JSON ({error}); {remedy}"]
    if broken(content):
        return [f"{path} is corrupt (checksum mismatch); {remedy}"]
    digests = content.get(FILES, {})
    wanted = {name: written for name, written in digests.items() if only is None or name in only}
    return [f"{text}; {remedy}" for text in differences(path, wanted, but)]


def differences(path: Path, digests: dict[str, str], but: Container[str] = ()) -> list[str]:
    """Return a phrase per file that the JSON `path` describes and that is missing or has another digest than given."""
    found = []
    for name, written in digests.items():
        file = path.parent / name
        try:
            if name not in but and (now := digest(file)) != written:
                found.append(f"{file} is corrupt: its sha256 is {now[:12]}..., not {written[:12]}...")
        except FileNotFoundError:
            found.append(f"{file} is missing, though {path.name} lists it")
    return found
