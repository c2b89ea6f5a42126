"""Count the official lists of names into inventories/*.json (kept: it says where those numbers come from).

    python -m workflow.datasets.make_inventories --lists FOLDER
    python -m workflow.datasets.make_inventories --dataset NAME --names FILE

FOLDER holds ucf11_clips.txt and youtube_celebrities_clips.txt (one clip path a line) and
hmdb51_testTrainMulti_7030_splits/ (the official split files). The lists themselves are not part of this
project. The second form counts the clips of a new data set, one path a line, by the layout of its entry in the
catalogue.
"""

import argparse
import hashlib
import json
from collections import Counter, defaultdict
from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from typing import Any

from workflow.datasets import inventory
from workflow.datasets.catalogue import dataset
from workflow.datasets.errors import DataError, command_line
from workflow.datasets.files import write_text
from workflow.datasets.inventory import FOLDER
from workflow.datasets.layouts import ByClass, Clip, Flat, Grouped, Layout

DEMO_GROUPS, DEMO_CLIPS = 10, 5  # groups a class, clips a group
DEMO_STEMS = {
    "expand": "v_grow",
    "shrink": "v_shrink",
    "move_down": "v_down",
    "move_up": "v_up",
    "move_left": "v_left",
    "move_right": "v_right",
    "spin_clockwise": "v_cw",
    "spin_anticlockwise": "v_ccw",
}


def parse_all(layout: Layout, names: Sequence[str]) -> list[Clip]:
    clips = [layout.parse(PurePosixPath(name)) for name in names]
    unread = [name for name, clip in zip(names, clips, strict=True) if clip is None]
    if unread:
        raise DataError(f"{unread[0]!r} does not follow the layout {type(layout).__name__}")
    return [clip for clip in clips if clip]


def count(clips: Sequence[Clip]) -> dict[str, Any]:
    """The compact inventory; names are left out if they follow from the counts, and cannot be told if not."""
    keys = {clip.key for clip in clips}
    for names in ("grouped", "numbered"):
        content = _count(clips, names)
        if inventory.keys_from_counts(content) == keys:
            return content
    return _count(clips, "listed")


def _count(clips: Sequence[Clip], names: str) -> dict[str, Any]:
    groups: dict[str, Counter[str]] = defaultdict(Counter)
    stems: dict[str, str] = {}
    for clip in clips:
        groups[clip.label][clip.group] += 1
        stems[clip.label] = clip.source.rpartition("_")[0]
    entries = {}
    for label in sorted(groups):
        sizes = [groups[label][group] for group in sorted(groups[label])]
        entry: dict[str, Any] = {"clips": sum(sizes)}
        if names == "grouped":
            entry["stem"] = stems[label]
        # where groups have names instead of numbers, their sizes alone are a fact worth keeping
        entry["groups"] = sorted(sizes, reverse=True) if names == "listed" else sizes
        entries[label] = entry
    keys = "\n".join(sorted(clip.key for clip in clips))
    digest = hashlib.sha256(keys.encode()).hexdigest()
    return {"names": names, "clips": len(clips), "keys_sha256": digest, "classes": entries}


def demo_clips() -> list[Clip]:
    """The generated set is what this says it is; generate.py follows the inventory."""
    return [
        Clip(f"{label}/{stem}_{g:02d}/{stem}_{g:02d}_{c:02d}.avi", label, f"{g:02d}", f"{stem}_{g:02d}")
        for label, stem in DEMO_STEMS.items()
        for g in range(1, DEMO_GROUPS + 1)
        for c in range(1, DEMO_CLIPS + 1)
    ]


def write(path: Path, content: dict[str, Any]) -> None:
    """JSON with a line a class, so that a change of the counts reads well."""
    head = {key: value for key, value in content.items() if key != "classes"}
    lines = [f"    {json.dumps(label)}: {json.dumps(entry)}" for label, entry in content["classes"].items()]
    fields = [f"  {json.dumps(key)}: {json.dumps(value)}" for key, value in head.items()]
    body = ",\n".join(lines)
    write_text(path, "{\n" + ",\n".join(fields) + f',\n  "classes": {{\n{body}\n  }}\n}}\n')


def hmdb51_names(folder: Path) -> list[str]:
    suffix = "_test_split1.txt"
    files = sorted(folder.glob(f"*{suffix}"))
    return [
        f"{file.name.removesuffix(suffix)}/{line.split()[0]}"
        for file in files
        for line in file.read_text().splitlines()
        if line.strip()
    ]


def official(lists: Path) -> dict[str, list[Clip]]:
    """The clips of each set that this project knows."""
    ucf11 = (lists / "ucf11_clips.txt").read_text().splitlines()
    celebrities = (lists / "youtube_celebrities_clips.txt").read_text().splitlines()
    hmdb51 = hmdb51_names(lists / "hmdb51_testTrainMulti_7030_splits")
    return {
        "ucf11": parse_all(Grouped(), ucf11),
        "youtube_celebrities": parse_all(Flat(), celebrities),
        "hmdb51": parse_all(ByClass(), hmdb51),
        "demo": demo_clips(),
    }


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--lists", type=Path, help="folder of the official lists")
    what.add_argument("--names", type=Path, help="list of a new data set's clips, one path a line")
    parser.add_argument("--dataset", help="with --names: the new entry of the catalogue")
    parser.add_argument("--output", type=Path, default=FOLDER)
    options = parser.parse_args(arguments)
    if options.lists:
        sets = official(options.lists)
    elif options.dataset:
        sets = {options.dataset: parse_all(dataset(options.dataset).layout, options.names.read_text().splitlines())}
    else:
        parser.error("--names needs --dataset")
    for name, clips in sets.items():
        write(options.output / f"{name}.json", count(clips))


if __name__ == "__main__":
    command_line(main)
