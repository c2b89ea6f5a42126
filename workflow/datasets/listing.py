"""listing.csv: every clip of a data set with its class, group, source and path on disk."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath

from workflow.datasets.archives import is_archive
from workflow.datasets.catalogue import Dataset
from workflow.datasets.errors import DataError
from workflow.datasets.layouts import Clip

COLUMNS = ("clip", "class", "group", "source", "official", "path", "sha256")
IGNORED = ("Annotation", "__MACOSX", ".git")  # UCF11's annotations hold no clip


def walk(folder: Path) -> list[Path]:
    """All files below `folder`, relative to it, sorted because file systems list them in any order."""
    found = []
    for place, folders, names in os.walk(folder, followlinks=True):
        folders[:] = sorted(name for name in folders if name not in IGNORED)
        found += [Path(place, name).relative_to(folder) for name in names]
    return sorted(found, key=Path.as_posix)


def clips_of(entry: Dataset, folder: Path, files: Sequence[Path]) -> dict[Path, Clip]:
    """The clips among `files` (relative to `folder`); DataError if there is none, or none in the folder of a class."""
    found = {}
    for file in files:
        clip = entry.layout.parse(PurePosixPath(file.as_posix()))
        if clip is not None and _is_utf8(file):
            found[file] = clip
    if not found:
        packed = next((file.as_posix() for file in files if is_archive(file)), None)
        hint = f" It holds archives ({packed}, ...): unpack them, or name one as `source`." if packed else ""
        raise DataError(f"{folder}: contains no clip of {entry.title}; expected {entry.layout.pattern}.{hint}")
    _check_classes(entry, folder, found)
    return found


def _is_utf8(file: Path) -> bool:
    """False if some bytes of the name are not UTF-8; the official archives have no such file."""
    return not any("\udc80" <= letter <= "\udcff" for letter in file.as_posix())


def _check_classes(entry: Dataset, folder: Path, found: Mapping[Path, Clip]) -> None:
    if entry.layout.depth < 2:  # classes have no folders
        return
    file = next(iter(found))
    root = folder.joinpath(*file.parts[: -entry.layout.depth])
    filled = {clip.label for clip in found.values()}
    for label in entry.classes:
        if label not in filled and (root / label).is_dir():
            raise DataError(f"{root / label}: the folder of class {label!r} contains no clip; expected at least one")


def rows(
    folder: Path, clips: Mapping[Path, Clip], official: Mapping[str, str], digests: Mapping[str, str]
) -> list[dict[str, str]]:
    """Rows of listing.csv, sorted by clip. If a clip is found twice, the first one counts.

    official: the codes of HMDB51's splits by clip. digests: sha256 by path below `folder`, for unpacked archives; a
    user's own folder has none.
    """
    by_key: dict[str, dict[str, str]] = {}
    for file, clip in sorted(clips.items(), key=lambda item: (item[1].clip, item[0].as_posix())):
        by_key.setdefault(
            clip.key,
            {
                "clip": clip.clip,
                "class": clip.label,
                "group": clip.group,
                "source": clip.source,
                "official": official.get(clip.clip, ""),
                "path": _path(folder / file),
                "sha256": digests.get(file.as_posix(), ""),
            },
        )
    return sorted(by_key.values(), key=lambda row: row["clip"])


def _path(path: Path) -> str:
    """Relative to the working directory if it lies below it, so that the project can be moved."""
    path = path.absolute()
    here = Path.cwd()
    return (path.relative_to(here) if path.is_relative_to(here) else path).as_posix()
