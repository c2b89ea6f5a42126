"""Count the official lists of names into inventories/*.json (kept: it says where those numbers come from).

    python -m workflow.datasets.make_inventories --lists FOLDER

FOLDER holds ucf11_clips.txt and youtube_celebrities_clips.txt (one clip path a line) and
hmdb51_testTrainMulti_7030_splits/ (the official split files). The lists themselves are not part of this
project.
"""

import argparse
import hashlib
import json
from collections import Counter, defaultdict
from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from typing import Any

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
        raise ValueError(f"{unread[0]!r} does not follow the layout {type(layout).__name__}")
    return [clip for clip in clips if clip]


def count(clips: Sequence[Clip], names: str) -> dict[str, Any]:
    """The compact inventory; `names` says how names follow from counts (grouped, numbered or listed)."""
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


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--lists", type=Path, required=True, help="folder of the official lists")
    parser.add_argument("--output", type=Path, default=FOLDER)
    options = parser.parse_args(arguments)
    ucf11 = (options.lists / "ucf11_clips.txt").read_text().split()
    celebrities = (options.lists / "youtube_celebrities_clips.txt").read_text().split()
    hmdb51 = hmdb51_names(options.lists / "hmdb51_testTrainMulti_7030_splits")
    write(options.output / "ucf11.json", count(parse_all(Grouped(), ucf11), "grouped"))
    write(options.output / "youtube_celebrities.json", count(parse_all(Flat(), celebrities), "numbered"))
    write(options.output / "hmdb51.json", count(parse_all(ByClass(), hmdb51), "listed"))
    write(options.output / "demo.json", count(demo_clips(), "grouped"))


if __name__ == "__main__":
    main()
