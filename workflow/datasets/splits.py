"""Assign clips to train, validation and test in every fold: splits.csv, splits.json and leakage.csv.

    python -m workflow.datasets.splits --dataset ucf11 --clips .../clips.csv --output results/paper/data/ucf11 \\
        --protocols group random --seed 11111986 --validation 0.15
"""

import argparse
import hashlib
import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from workflow.datasets.catalogue import RANDOM_FOLDS, Dataset, dataset, folds
from workflow.datasets.errors import DataError, command_line
from workflow.datasets.layouts import Clip
from workflow.datasets.leakage import expected_share, share_with_sibling
from workflow.datasets.protocols import TEST, TRAIN, VALIDATION, add_validation, check_fold, train_and_test
from workflow.storage import seal
from workflow.storage.files import read_csv, write_csv, write_json

FAR = 1 / 3  # warn if validation misses its share by more than this share of it
COLUMNS = ("protocol", "fold", "clip", "part")
LEAKAGE_COLUMNS = (
    "dataset",
    "protocol",
    "fold",
    "n_train",
    "n_validation",
    "n_test",
    "test_with_sibling_in_train_or_validation",
    "test_with_sibling_of_any_class",
    "n_train_sources",
    "n_validation_sources",
    "n_test_sources",
)


def read_clips(path: Path) -> list[Clip]:
    """The clips of clips.csv that decode."""
    seal.require(path.with_name("frames.json"), ("clips.csv",))
    table = read_csv(path, ("clip", "class", "group", "source", "official", "status"))
    clips = [
        Clip(row["clip"], row["class"], row["group"], row["source"], row["official"])
        for row in table
        if row["status"] == "ok"
    ]
    if not clips:
        raise DataError(f"{path}: no clip has the status ok; expected at least one")
    return clips


def digest(rows: Iterable[dict[str, Any]]) -> str:
    """sha256 of the sorted clips and parts of one protocol and fold: equal digests, equal splits."""
    lines = sorted(f"{row['clip']}\t{row['part']}\n" for row in rows)
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def split(
    entry: Dataset,
    clips: Sequence[Clip],
    protocol: str,
    fold: int,
    seed: int,
    validation: float,
    partial: bool = False,
) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """Rows of splits.csv and the row of leakage.csv for one protocol and fold."""
    where = f"{entry.name}, {protocol}, fold {fold}"
    part_of = train_and_test(entry, clips, protocol, fold, seed, partial)
    check_fold(entry, clips, part_of, protocol, fold)
    part_of, single_source = add_validation(clips, part_of, validation, seed)
    if single_source:
        print(
            f"{where}: validation is drawn clip by clip in the classes with a single training source: "
            f"{', '.join(single_source)}",
            file=sys.stderr,
        )
    count = Counter(part_of.values())
    warn_of_share(where, count[VALIDATION], count[TRAIN], validation)
    leakage: dict[str, Any] = {"dataset": entry.name, "protocol": protocol, "fold": fold}
    for part in (TRAIN, VALIDATION, TEST):
        leakage[f"n_{part}"] = count[part]
        leakage[f"n_{part}_sources"] = len({clip.source for clip in clips if part_of[clip.clip] == part})
    leakage["test_with_sibling_in_train_or_validation"] = f"{share_with_sibling(clips, part_of):.6f}"
    leakage["test_with_sibling_of_any_class"] = f"{share_with_sibling(clips, part_of, any_class=True):.6f}"
    rows = [{"protocol": protocol, "fold": fold, "clip": clip.clip, "part": part_of[clip.clip]} for clip in clips]
    return rows, leakage


def warn_of_share(where: str, n_validation: int, n_train: int, wanted: float) -> None:
    """Warn if whole sources gave validation far more or less than its share: two protocols that train on different
    numbers of clips differ in accuracy by more than their leakage."""
    n = n_validation + n_train
    if abs(n_validation / n - wanted) > FAR * wanted:
        print(
            f"{where}: validation has {n_validation / n:.1%} of the training clips ({n_validation} of {n}) instead of "
            f"{wanted:.1%}, because the classes have too few or too large sources",
            file=sys.stderr,
        )


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--dataset", required=True)
    parser.add_argument("--clips", type=Path, required=True, help="clips.csv of the frames step")
    parser.add_argument("--output", type=Path, required=True, help="folder of the three files")
    parser.add_argument("--protocols", nargs="+", default=["group", "random"])
    parser.add_argument("--seed", type=int, default=11111986)
    parser.add_argument("--validation", type=float, default=0.15, help="share of the training clips")
    parser.add_argument("--partial", action="store_true", help="spread the groups that are present over the folds")
    options = parser.parse_args(arguments)
    if not 0 < options.validation <= 0.5:
        raise DataError(f"--validation {options.validation}: expected more than 0 and at most 0.5")
    entry = dataset(options.dataset)
    clips = read_clips(options.clips)
    table, leakage, digests = [], [], {}
    for protocol in options.protocols:
        for fold in range(folds(entry.name, protocol)):
            try:
                rows, leak = split(entry, clips, protocol, fold, options.seed, options.validation, options.partial)
            except DataError as error:  # a partial set may lack whole folds; the runs that need them fail
                print(f"warning: {error}", file=sys.stderr)
                continue
            table += rows
            leakage.append(leak)
            digests[f"{protocol}/{fold}"] = digest(rows)
    if not table:
        raise DataError(f"{options.clips}: no protocol has a fold with both training and test clips")
    summary = {
        "seed": options.seed,
        # of test clips with a sibling, over all seeds
        "expected_leakage_of_random_splits": round(expected_share(clips, RANDOM_FOLDS), 6),
        "expected_leakage_of_random_splits_any_class": round(expected_share(clips, RANDOM_FOLDS, any_class=True), 6),
        "digests": digests,
    }
    written = {}
    for name, columns, content in (("splits.csv", COLUMNS, table), ("leakage.csv", LEAKAGE_COLUMNS, leakage)):
        write_csv(options.output / name, columns, content)
        written[name] = seal.digest(options.output / name)
    write_json(options.output / "splits.json", seal.sealed(summary, written))


if __name__ == "__main__":
    command_line(main)
