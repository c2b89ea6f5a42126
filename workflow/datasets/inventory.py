"""The clips of a complete data set: counts per class and group, and the names that follow from these counts."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workflow.datasets.layouts import Clip
from workflow.storage.errors import InputError

if TYPE_CHECKING:
    from workflow.datasets.catalogue import Dataset

FOLDER = Path(__file__).parent / "inventories"


@cache
def load(name: str) -> dict[str, Any]:
    """Return the content of inventories/<name>.json, written by make_inventories.py."""
    path = FOLDER / f"{name}.json"
    try:
        return json.loads(path.read_text())
    except FileNotFoundError:
        raise InputError(
            f"{path}: no such file; data set {name!r} needs an inventory, written by "
            f"`python -m workflow.datasets.make_inventories --dataset {name} --names LIST`"
        ) from None


def expected_keys(entry: Dataset, official: Iterable[str] = ()) -> set[str]:
    """Return the clip ids, without extension, of the complete set; empty if neither counts nor `official` name them.

    official: the clips in HMDB51's split files (`<class>/<name>.avi`), which name all of its clips.
    """
    if entry.layout.names:
        return numbered(entry.layout.names, load(entry.name)["classes"])
    return {clip.rpartition(".")[0] for clip in official}


def numbered(names: str, classes: Mapping[str, Any]) -> set[str]:
    """Return the names that follow from the counts of `classes` and a layout's format `names`."""
    counted = (
        {"label": label, "stem": found.get("stem"), "group": group, "number": number}
        for label, found in classes.items()
        for group, count in enumerate(found["groups"], start=1)
        for number in range(1, count + 1)
    )
    return {names.format(n=n, **clip) for n, clip in enumerate(counted, start=1)}


def keys_sha256(keys: Iterable[str]) -> str:
    return hashlib.sha256("\n".join(sorted(keys)).encode()).hexdigest()


def compare(entry: Dataset, found: Iterable[Clip], official: Iterable[str] = ()) -> dict[str, Any]:
    """Compare `found` with the complete set; return the missing, extra and duplicate clips.

    Clips are compared by name. Without names (HMDB51 without its split files), `missing` holds the number of
    missing clips per class; raises InputError if none is missing, but clips have been added or renamed.
    """
    seen: dict[str, list[Clip]] = {}
    for clip in sorted(found):
        seen.setdefault(clip.key, []).append(clip)
    whole = load(entry.name)
    expected = expected_keys(entry, official)
    if expected:
        missing = sorted(expected - seen.keys())
        # not len(missing): a part of the official lists does not name all clips
        n_missing, extra = whole["clips"] - len(expected & seen.keys()), seen.keys() - expected
    else:
        counts = Counter(clips[0].label for clips in seen.values())
        lacking = {label: max(whole["classes"][label]["clips"] - counts[label], 0) for label in whole["classes"]}
        missing = [f"{label}: {number} clips" for label, number in lacking.items() if number]
        n_missing, extra = sum(lacking.values()), {key for key in seen if seen[key][0].label not in lacking}
        if not n_missing and keys_sha256(seen.keys() - extra) != whole["keys_sha256"]:
            remedy = "count it again with make_inventories"
            raise InputError(f"{entry.name}: its clips are not those of its inventory; {remedy}")
    return {
        "expected": whole["clips"],
        "found": len(seen),
        "n_missing": n_missing,
        "missing": missing,
        "extra": sorted(clip.clip for key in extra for clip in seen[key]),
        "duplicate": sorted(clip.clip for clips in seen.values() for clip in clips[1:]),
    }
