"""Official splits in HMDB51's format: files `<class>_test_split<1..3>.txt` with a clip and its code on each line."""

import re
from collections import Counter
from collections.abc import Iterable
from itertools import product
from pathlib import Path

from workflow.datasets.catalogue import Dataset
from workflow.storage.errors import InputError
from workflow.storage.files import read_text

UNUSED, TRAIN, TEST = "0", "1", "2"
_file = re.compile(r"(?P<label>.+)_test_split(?P<split>[1-9])\.txt")
_line = re.compile(r"(?P<name>.+) (?P<code>[012])\s*")


def read(files: Iterable[Path], entry: Dataset) -> dict[str, str]:
    """Return the codes in splits 1, 2 ... by clip, such as {"wave/a.avi": "120"}. Files with other names are skipped.

    Raises InputError for a line that cannot be parsed or differs from an earlier one, for a class whose files name
    different clips, for a split that the entry has no fold for, or if a class has not `entry.clips_per_split` clips.
    """
    splits: tuple[dict[str, str], ...] = tuple({} for _ in range(entry.group_folds))
    for path in sorted(files):
        if (match := _file.fullmatch(path.name)) is None:
            continue
        if int(match["split"]) > len(splits):
            raise InputError(f"{path}: expected splits 1 to {len(splits)}, the group_folds of {entry.name}")
        split = splits[int(match["split"]) - 1]
        for number, line in enumerate(read_text(path).splitlines(), start=1):
            parsed = _line.fullmatch(line)
            if parsed:
                code = split.setdefault(f"{match['label']}/{parsed['name']}", parsed["code"])
                if code != parsed["code"]:
                    raise InputError(f"{path}, line {number}: {line!r} has the code {code} in a line or file before")
            elif line.strip():
                raise InputError(f"{path}, line {number}: {line!r} is not a clip and a code 0, 1 or 2")
    clips = {clip for split in splits for clip in split}
    for number, split in enumerate(splits, start=1):
        for clip in sorted(clips - split.keys()):
            file = f"{_label(clip)}_test_split{number}.txt"
            raise InputError(f"{file}: lacks clip {clip!r}, which another split names")
        counts = Counter((_label(clip), code) for clip, code in split.items())
        per_class = zip((TRAIN, TEST), ("training", "test"), entry.clips_per_split, strict=False)
        for label, (code, kind, expected) in product(sorted(set(map(_label, clips))), per_class):
            if (count := counts[label, code]) != expected:
                raise InputError(f"official split {number} has {count} {kind} clips of {label!r}; expected {expected}")
    return {clip: "".join(split[clip] for split in splits) for clip in sorted(clips)}


def _label(clip: str) -> str:
    return clip.partition("/")[0]
