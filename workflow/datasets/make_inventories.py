"""Count the clips of a data set into its inventory, inventories/NAME.json.

    python -m workflow.datasets.make_inventories --dataset NAME --names LIST

LIST has one clip path per line (`unzip -Z1 demo.zip` for the generated set), or is a folder of the clips or of
official split files. The layout of the set's entry in the catalogue parses the paths. The lists are not part of this
project; their counts and a checksum are.
"""

import json
from collections import Counter
from collections.abc import Sequence
from itertools import groupby
from operator import attrgetter
from pathlib import Path, PurePosixPath
from typing import Annotated, Any

from typer import Option

from workflow.datasets import catalogue, inventory, listing, official
from workflow.datasets.layouts import Clip
from workflow.storage.command_line import command_line
from workflow.storage.errors import InputError
from workflow.storage.files import write_text


def count(clips: Sequence[Clip], names: str) -> dict[str, Any]:
    """Return the content of the inventory. names: of the layout; raises InputError if the clips do not follow it."""
    keys = {clip.key for clip in clips}
    classes = {}
    for label, found in groupby(sorted(clips, key=attrgetter("label", "group")), attrgetter("label")):
        of_class = list(found)
        groups = list(Counter(clip.group for clip in of_class).values())
        if not names:  # groups with names instead of numbers have no order worth keeping
            groups.sort(reverse=True)
        stem = {"stem": of_class[0].source.rpartition("_")[0]} if "{stem}" in names else {}
        classes[label] = {"clips": len(of_class), **stem, "groups": groups}
    if names and inventory.numbered(names, classes) != keys:
        raise InputError(f"the clips are not numbered as the layout's `names` requires: {names}")
    return {"clips": len(clips), "keys_sha256": inventory.keys_sha256(keys), "classes": classes}


def write(path: Path, content: dict[str, Any]) -> None:
    """Write JSON with one line per class, so that diffs of the counts are easy to read."""
    classes = ",\n".join(f"    {json.dumps(label)}: {json.dumps(entry)}" for label, entry in content["classes"].items())
    text = json.dumps({**content, "classes": {}}, indent=2)
    write_text(path, text.removesuffix("{}\n}") + f"{{\n{classes}\n  }}\n}}\n")


def main(
    dataset: Annotated[str, Option(metavar="NAME", help="A data set of the catalogue.")],
    names: Annotated[Path, Option(metavar="LIST", help="List, or folder of clips or of split files.")],
    output: Annotated[Path, Option(help="Folder to write to.")] = inventory.FOLDER,
) -> None:
    entry = catalogue.dataset(dataset)
    clips = {}
    if names.is_dir():
        videos = [path.as_posix() for path in listing.walk(names) if listing.is_video(path)]
        paths = [*official.read(names.iterdir(), entry)] or videos
    else:
        paths = names.read_text(encoding="utf-8").splitlines()
    for name in paths:
        clip = entry.layout.parse(PurePosixPath(name))
        if clip is None:
            raise InputError(f"{name!r} does not follow the layout {entry.layout.pattern}")
        clips[clip.key] = clip
    if not clips:
        raise InputError(f"{names}: names no clip; expected at least one, {entry.layout.pattern}")
    write(output / f"{dataset}.json", count([*clips.values()], entry.layout.names))


if __name__ == "__main__":
    command_line(main)
