"""HMDB51's official splits: 153 files `<class>_test_split<1..3>.txt` with a clip and its code on each line."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path

from workflow.datasets.errors import DataError

UNUSED, TRAIN, TEST = "0", "1", "2"
SPLITS = 3
CLIPS_PER_CLASS = {TRAIN: 70, TEST: 30}
_file = re.compile(r"(?P<label>.+)_test_split(?P<split>[123])\.txt")
_line = re.compile(r"(?P<name>.+) (?P<code>[012])\s*")


def read(files: Iterable[Path]) -> dict[str, str]:
    """The codes in splits 1 to 3 by clip, such as {"wave/a.avi": "120"}. Files with other names are skipped.

    Raises DataError for a line that cannot be parsed and for a class whose three files do not name the same clips.
    """
    codes: dict[str, list[str]] = {}
    classes: dict[str, set[int]] = {}
    for path in sorted(files):
        match = _file.fullmatch(path.name)
        if match is None:
            continue
        split = int(match["split"])
        classes.setdefault(match["label"], set()).add(split)
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
            entry = _line.fullmatch(line)
            if entry is None and line.strip():
                raise DataError(f"{path}, line {number}: {line!r} is not a clip and a code 0, 1 or 2")
            if entry:
                codes.setdefault(f"{match['label']}/{entry['name']}", [""] * SPLITS)[split - 1] = entry["code"]
    for label, found in classes.items():
        if len(found) != SPLITS:
            raise DataError(f"class {label!r} has the split files {sorted(found)}; expected 1, 2 and 3")
    for clip, three in codes.items():
        if "" in three:
            raise DataError(f"clip {clip!r} is in the official splits but not in split {three.index('') + 1}")
    return {clip: "".join(three) for clip, three in codes.items()}


def check(codes: Mapping[str, str]) -> None:
    """Raise DataError unless every split has exactly 70 training and 30 test clips of each class."""
    labels = sorted({clip.partition("/")[0] for clip in codes})
    for split in range(SPLITS):
        counts = Counter((clip.partition("/")[0], three[split]) for clip, three in codes.items())
        for code, expected in CLIPS_PER_CLASS.items():
            for label in labels:
                if (count := counts[label, code]) != expected:
                    kind = f"{'training' if code == TRAIN else 'test'} clips of {label!r}"
                    raise DataError(f"official split {split + 1} has {count} {kind}; expected {expected}")
