"""JSON that vouches for itself and for the files beside it, so that a bit that flips is told and not computed with.

`seal` is the sha256 of everything else in the JSON, `files` has that of each file. The JSON is written last and
removed first: where it is, what it describes is complete. A file without a seal (of an earlier version, or made by
hand) is taken as it is.
"""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

SEAL, FILES = "seal", "files"


class DamagedError(ValueError):
    """A file is not what it was when it was written; the message names it and says how to get it anew."""


def sealed(content: dict[str, Any], digests: dict[str, str] | None = None) -> dict[str, Any]:
    """`content` with its seal, and with the digests of the files that lie beside it, by their path from there."""
    content = {**content, FILES: digests} if digests else dict(content)
    return {**content, SEAL: seal(content)}


def seal(content: dict[str, Any]) -> str:
    plain = {key: value for key, value in content.items() if key != SEAL}
    return hashlib.sha256(json.dumps(plain, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


def broken(content: Any) -> bool:
    """Whether JSON carries a seal that does not fit."""
    return isinstance(content, dict) and SEAL in content and content[SEAL] != seal(content)


def digest(path: Path) -> str:
    """sha256 of a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def require(path: Path, names: tuple[str, ...] = ()) -> None:
    """DamagedError unless the JSON `path`, if there is one, and of its files `names` are as they were written."""
    for found in damages(path, names.__contains__) if path.is_file() else ():
        raise DamagedError(found)


def damages(path: Path, wanted: Callable[[str], bool] = lambda name: True) -> list[str]:
    """A sentence for whatever is wrong with a sealed JSON and with the `wanted` files that it vouches for."""
    cure = f"remove {path} and start again, and it is made anew"
    try:
        content = json.loads(path.read_bytes().decode())
    except ValueError as error:  # neither JSON nor UTF-8
        return [f"{path} is damaged, it is not JSON ({error}); {cure}"]
    if broken(content):
        return [f"{path} is damaged, its content does not fit its seal; {cure}"]
    found = []
    for name, written in (content.get(FILES) or {}).items() if isinstance(content, dict) else ():
        file = path.parent / name
        if not wanted(name):
            continue
        if not file.is_file():
            found.append(f"{file} is missing, {path.name} lists it; {cure}")
        elif (now := digest(file)) != written:
            found.append(f"{file} is damaged, its sha256 is {now[:12]}..., {path.name} says {written[:12]}...; {cure}")
    return found
