"""Count the clips of a data set into its inventory, inventories/NAME.json.

    python -m workflow.datasets.make_inventories --dataset NAME --names LIST

LIST has one clip path per line (`unzip -Z1 demo.zip` for the generated set), or is a folder of HMDB51's official split
files. The layout of the set's entry in the catalogue parses the paths. The lists are not part of this project; their
counts and a checksum are.
"""

import argparse
import hashlib
import json
from collections import Counter, defaultdict
from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from typing import Any

from workflow.datasets import inventory, official
from workflow.datasets.catalogue import dataset
from workflow.datasets.errors import DataError, command_line
from workflow.datasets.layouts import Clip, Layout
from workflow.storage.files import write_text


def parse_all(layout: Layout, names: Sequence[str]) -> list[Clip]:
    clips = []
    for name in names:
        clip = layout.parse(PurePosixPath(name))
        if clip is None:
            raise DataError(f"{name!r} does not follow the layout {layout.pattern}")
        clips.append(clip)
    return clips


def count(clips: Sequence[Clip]) -> dict[str, Any]:
    """The content of the inventory. It says how the names of the clips follow from the counts, if they do."""
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
        # groups with names instead of numbers have no order worth keeping
        entry["groups"] = sorted(sizes, reverse=True) if names == "listed" else sizes
        entries[label] = entry
    keys = "\n".join(sorted(clip.key for clip in clips))
    digest = hashlib.sha256(keys.encode()).hexdigest()
    return {"names": names, "clips": len(clips), "keys_sha256": digest, "classes": entries}


def write(path: Path, content: dict[str, Any]) -> None:
    """JSON with one line per class, so that a change of the counts is easy to read."""
    head = {key: value for key, value in content.items() if key != "classes"}
    lines = [f"    {json.dumps(label)}: {json.dumps(entry)}" for label, entry in content["classes"].items()]
    fields = [f"  {json.dumps(key)}: {json.dumps(value)}" for key, value in head.items()]
    body = ",\n".join(lines)
    write_text(path, "{\n" + ",\n".join(fields) + f',\n  "classes": {{\n{body}\n  }}\n}}\n')


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--dataset", required=True, help="a name of the catalogue")
    parser.add_argument("--names", type=Path, required=True, metavar="LIST", help="list, or folder of split files")
    parser.add_argument("--output", type=Path, default=inventory.FOLDER)
    options = parser.parse_args(arguments)
    if options.names.is_dir():
        names = list(official.read(options.names.iterdir()))
    else:
        names = options.names.read_text().splitlines()
    write(options.output / f"{options.dataset}.json", count(parse_all(dataset(options.dataset).layout, names)))


if __name__ == "__main__":
    command_line(main)
