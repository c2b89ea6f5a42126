"""HMDB51's official splits: 153 files `<class>_test_split<1..3>.txt` with a clip and its code on each line."""

import re
from collections import Counter
from collections.abc import Iterable
from itertools import product
from pathlib import Path

from workflow.storage.errors import InputError
from workflow.storage.files import read_text

UNUSED, TRAIN, TEST = "0", "1", "2"
CLIPS_PER_CLASS = {TRAIN: 70, TEST: 30}
_file = re.compile(r"(?P<label>.+)_test_split(?P<split>[123])\.txt")
_line = re.compile(r"(?P<name>.+) (?P<code>[012])\s*")


def read(files: Iterable[Path]) -> dict[str, str]:
    """Return the codes in splits 1 to 3 by clip, such as {"wave/a.avi": "120"}. Files with other names are skipped.

    Raises InputError for a line that cannot be parsed or differs from an earlier one, for a class whose three files
    name different clips, or if a split does not have exactly 70 training and 30 test clips per class.
    """
    splits: tuple[dict[str, str], ...] = ({}, {}, {})
    for path in sorted(files):
        if (match := _file.fullmatch(path.name)) is None:
            continue
        split = splits[int(match["split"]) - 1]
        for number, line in enumerate(read_text(path).splitlines(), start=1):
            entry = _line.fullmatch(line)
            if entry:
                code = split.setdefault(f"{match['label']}/{entry['name']}", entry["code"])
                if code != entry["code"]:
                    raise InputError(f"{path}, line {number}: {line!r} has the code {code} in a line or file before")
            elif line.strip():
                raise InputError(f"{path}, line {number}: {line!r} is not a clip and a code 0, 1 or 2")
    clips = {clip for split in splits for clip in split}
    for number, split in enumerate(splits, start=1):
        for clip in sorted(clips - split.keys()):
            file = f"{_label(clip)}_test_split{number}.txt"
            raise InputError(f"{file}: lacks clip {clip!r}, which another split names")
        counts = Counter((_label(clip), code) for clip, code in split.items())
        for label, (code, expected) in product(sorted(set(map(_label, clips))), CLIPS_PER_CLASS.items()):
            if (count := counts[label, code]) != expected:
                kind = "training" if code == TRAIN else "test"
                raise InputError(f"official split {number} has {count} {kind} clips of {label!r}; expected {expected}")
    return {clip: "".join(split[clip] for split in splits) for clip in sorted(clips)}


def _label(clip: str) -> str:
    return clip.partition("/")[0]
