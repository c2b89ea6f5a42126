"""The clips of a complete data set: counts per class and group, and the names that follow from these counts."""

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from workflow.datasets.layouts import Clip
from workflow.storage.errors import InputError

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


def expected_keys(name: str, official: Iterable[str] = ()) -> set[str]:
    """Return the clip ids, without extension, of the complete set; empty if the counts do not determine the names.

    official: the clips in HMDB51's split files (`<class>/<name>.avi`), which name all of its clips.
    """
    return keys_from_counts(load(name)) or {clip.rpartition(".")[0] for clip in official}


def keys_from_counts(content: Mapping[str, Any]) -> set[str]:
    """Return the names that follow from the counts alone; empty for `"names": "listed"`."""
    counted = [
        (label, entry.get("stem"), group, number)
        for label, entry in content["classes"].items()
        for group, count in enumerate(entry["groups"], start=1)
        for number in range(1, count + 1)
    ]
    if content["names"] == "grouped":  # UCF11's <class>/<stem>_<GG>/<stem>_<GG>_<CC>
        return {f"{label}/{stem}_{g:02d}/{stem}_{g:02d}_{number:02d}" for label, stem, g, number in counted}
    if content["names"] == "numbered":  # YouTube Celebrities' <NNNN>_<VV>_<CCC>_<first_last>
        return {f"{n:04d}_{g:02d}_{number:03d}_{label}" for n, (label, _, g, number) in enumerate(counted, start=1)}
    return set()


def compare(name: str, found: Iterable[Clip], official: Iterable[str] = ()) -> dict[str, Any]:
    """Compare `found` with the complete set `name`; return the missing, extra and duplicate clips.

    Clips are compared by name. Without names (HMDB51 without its split files), `missing` holds the number of
    missing clips per class.
    """
    seen: dict[str, list[str]] = {}
    for clip in sorted(found):
        seen.setdefault(clip.key, []).append(clip.clip)
    whole = load(name)
    expected = expected_keys(name, official)
    if expected:
        missing = sorted(expected - seen.keys())
        n_missing, extra = len(missing), seen.keys() - expected
    else:
        counts = Counter(key.partition("/")[0] for key in seen)
        lacking = {label: max(entry["clips"] - counts[label], 0) for label, entry in whole["classes"].items()}
        missing = [f"{label}: {number} clips" for label, number in lacking.items() if number]
        n_missing, extra = sum(lacking.values()), {key for key in seen if key.partition("/")[0] not in lacking}
    return {
        "expected": whole["clips"],
        "found": len(seen),
        "n_missing": n_missing,
        "missing": missing,
        "extra": sorted(clip for key in extra for clip in seen[key]),
        "duplicate": sorted(clip for clips in seen.values() for clip in clips[1:]),
    }
