"""listing.csv: every clip of a data set with its class, group, source and path on disk."""

import hashlib
import os
from collections.abc import Mapping, Sequence
from itertools import product
from pathlib import Path, PurePosixPath
from typing import NoReturn

from workflow.datasets import archives
from workflow.datasets.catalogue import Dataset
from workflow.datasets.layouts import Clip
from workflow.storage import seal
from workflow.storage.errors import InputError, sentence
from workflow.storage.files import digest, read_json

COLUMNS = ("clip", "class", "group", "source", "official", "path", "sha256")
IGNORED = {"annotation", "__macosx", ".git"}  # folders; UCF11's annotations hold no clip
VIDEOS = (".avi", ".mpg", ".mpeg", ".mp4", ".m4v", ".mov", ".mkv", ".webm", ".wmv", ".flv")
COMPANIONS = ("._", ".ds_store", "thumbs.db", "ehthumbs.db", "desktop.ini")  # file managers leave them when they look


def is_video(path: Path) -> bool:
    return path.suffix.lower() in VIDEOS


def walk(folder: Path) -> list[Path]:
    """Return all files below `folder`, relative to it, sorted, because file systems list them in any order.

    Links are followed, but not to a folder that they lie in. Raises InputError for a folder that cannot be read.
    """

    def stop(error: OSError) -> NoReturn:
        raise InputError(f"{error.filename}: {error.strerror}; expected a folder that can be read") from None

    found = []
    for place, folders, names in os.walk(folder, followlinks=True, onerror=stop):
        here = Path(place).resolve()
        inner = [name for name in folders if name.lower() not in IGNORED]
        folders[:] = [name for name in inner if not here.is_relative_to(Path(place, name).resolve())]
        kept = [name for name in names if not name.lower().startswith(COMPANIONS)]
        found += [Path(place, name).relative_to(folder) for name in kept]
    return sorted(found, key=Path.as_posix)


def version(path: str | Path, key: str, origin: Path) -> str:
    """Return the digest of the content of a user's own copy: copying or touching a file does not change it.

    origin: the source.json of its last use; unless sizes or times have changed since, the digest in it is returned, in
    less than a second. key: see `fingerprint`.
    """
    sources = read_json(origin)["sources"].values() if origin.is_file() else ()
    try:
        now = fingerprint(path, key)
        known = (source["content"] for source in sources if source.get("fingerprint") == now and "content" in source)
        return next(known, None) or content(Path(path))
    except OSError as error:  # no permission
        raise InputError(f"{sentence(error)}; it was given as `{key}`") from None


def content(path: Path) -> str:
    """Return the sha256 of a file, or a digest of the names and bytes of all files in a folder."""
    if path.is_file():
        return seal.digest(path)
    files = {archives.printable(name): path / name for name in walk(path)}
    # of what cannot be read only the name counts; the step that decodes it gives the reason
    readable = {name: file.is_file() and os.access(file, os.R_OK) for name, file in files.items()}
    return digest({name: seal.digest(file) if readable[name] else "" for name, file in files.items()})


def fingerprint(path: str | Path, key: str) -> str:
    """Return a digest of the names, sizes and modification times of a file or of all files in a folder.

    Reads no content, so it takes less than a second. key: the configuration key of `path`, for the InputError if `path`
    does not exist.
    """
    path = Path(path)
    if not path.exists():
        raise InputError(f"{path.absolute()}: no such file or folder; it was given as `{key}`")
    found = hashlib.sha256()
    for file in [path / name for name in walk(path)] if path.is_dir() else [path]:
        # of a broken link only the name counts; the step that reads the folder decides whether it matters
        stat = file.stat() if file.exists() else file.lstat()
        name = os.fsencode(file.relative_to(path.parent))
        found.update(f"{stat.st_size} {stat.st_mtime_ns} ".encode() + name + b"\0")
    return found.hexdigest()


def clips_of(entry: Dataset, folder: Path, files: Sequence[Path]) -> dict[Path, Clip]:
    """Return the clips among `files` (relative to `folder`). Raises InputError if a class or the set has none."""
    parsed = {file: entry.layout.parse(PurePosixPath(file.as_posix())) for file in files}
    found = {file: clip for file, clip in parsed.items() if clip is not None}
    if not found:
        packed = next((file.as_posix() for file in files if archives.is_archive(file)), None)
        video = next((file.as_posix() for file in files if is_video(file)), None)
        hint = f" It holds archives ({packed}, ...): unpack them, or name one as `source`." if packed else ""
        hint = f" It holds videos of other names ({video}, ...)." if video else hint
        raise InputError(f"{folder}: contains no clip of {entry.title}; expected {entry.layout.pattern}.{hint}")
    filled = {clip.label: (folder / file, clip.clip.split("/")[:-1]) for file, clip in found.items()}
    # where the layout has a folder for each class, the folders that hold these
    roots = {path.parents[len(inner) - inner.index(label)] for label, (path, inner) in filled.items() if label in inner}
    for root, label in product(sorted(roots), entry.classes):
        if label not in filled and (root / label).is_dir():
            raise InputError(f"{root / label}: the folder of class {label!r} contains no clip; expected at least one")
    return found


def rows(
    folder: Path, clips: Mapping[Path, Clip], official: Mapping[str, str], digests: Mapping[str, str]
) -> list[dict[str, str]]:
    """Return the rows of listing.csv, sorted by clip. If a clip is found twice, the first one is used.

    official: codes of HMDB51's splits by clip. digests: sha256 by path below `folder`; empty for a user's own folder.
    """
    codes = {name.rpartition(".")[0]: code for name, code in official.items()}  # endings may differ: .AVI
    by_key: dict[str, dict[str, str]] = {}
    for file, clip in sorted(clips.items(), key=lambda item: (item[1].clip, item[0].as_posix())):
        row = {"clip": clip.clip, "class": clip.label, "group": clip.group, "source": clip.source}
        row |= {"official": codes.get(clip.key, ""), "path": _path(folder / file)}
        by_key.setdefault(clip.key, {**row, "sha256": digests.get(file.as_posix(), "")})
    return sorted(by_key.values(), key=lambda row: row["clip"])


def _path(path: Path) -> str:
    """Return a path relative to the working directory if it lies below it, so that the project can be moved."""
    path, here = path.absolute(), Path.cwd()
    return (path.relative_to(here) if path.is_relative_to(here) else path).as_posix()
