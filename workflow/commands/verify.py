"""Are the data and the records of a configuration still what they were when they were written?

    python -m workflow.commands.verify --config config/demo.yaml    before every start: the small files, and their times
    ./reproduce demo verify                            the large ones too: frames, features, weights

A file that is damaged is named, with what to do about it, and the exit code is 1.
"""

import argparse
import hashlib
import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path

from workflow.datasets.front_ends import FRONT_ENDS
from workflow.experiments.configuration_file import load_own
from workflow.experiments.problems import ConfigurationError
from workflow.storage import clock, seal

TENSORS = tuple(f"{front_end.tensor}.json" for front_end in FRONT_ENDS.values())
SEALED = ("source.json", "inventory.json", *TENSORS, "splits.json", "result.json")
SOURCES = ("workflow", "baselines", "fdht", "paper", "config", "resources")  # what results are made of
LARGE = "model.safetensors"  # may be removed for want of space; nothing in the pipeline reads it


def verify(folders: list[Path], large: bool) -> tuple[int, list[str]]:
    """How many files vouch for others below `folders`, and a sentence for everything that is damaged."""
    found: list[str] = []
    number = 0
    for path in _sealed(folders):
        number += 1
        weights = path.with_name(LARGE)
        found += seal.damages(path, lambda name, weights=weights: name != LARGE or (large and weights.is_file()))
        if large and path.name in TENSORS:
            found += _tensor(path)
    return number, found


def _sealed(folders: list[Path]) -> Iterator[Path]:
    for folder in folders:
        for place, inner, names in os.walk(folder):
            inner.sort()
            yield from (Path(place, name) for name in SEALED if name in names)


def _tensor(path: Path) -> list[str]:
    import numpy as np  # a start does without

    array = path.with_suffix(".npy")
    try:
        found = hashlib.sha256(np.load(array, mmap_mode="r").data.cast("B")).hexdigest()
        damaged = found != json.loads(path.read_bytes())["digest"]
    except (OSError, ValueError, SyntaxError) as error:  # the header of an array is a Python literal
        return [f"{array} cannot be read ({error}); remove {path} and start again, and it is made anew"]
    return [f"{array} is damaged; remove {path} and start again, and it is made anew"] if damaged else []


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="./reproduce CONFIG verify", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--config", required=True, metavar="FILE", help=argparse.SUPPRESS)
    parser.add_argument("--all", action="store_true", help=argparse.SUPPRESS)  # the large files too; say what was found
    options = parser.parse_args(arguments)
    try:
        config = load_own(options.config)
    except ConfigurationError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    results = Path("results", config.name)
    data, runs = Path("results", config.data_owner, "data"), results / "runs"
    if not options.all:
        clock.settle([*map(Path, SOURCES), data, results])
    number, found = verify([data, runs], options.all)
    for sentence in found:
        print(f"error: {sentence}", file=sys.stderr)
    if options.all and not found:
        print(f"{number} descriptions and what they describe are as they were written")
    return int(bool(found))


if __name__ == "__main__":
    sys.exit(main())
