"""Write splits.csv, splits.json and leakage.csv: who trains, validates and tests in every fold.

    python -m workflow.datasets.splits --dataset ucf11 --clips .../clips.csv --output
    results/paper/data/ucf11 \\
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
from workflow.datasets.files import read_csv, write_csv, write_json
from workflow.datasets.leakage import expected_share, share_with_sibling
from workflow.datasets.protocols import TEST, TRAIN, VALIDATION, Row, check, cut_validation, parts
from workflow.storage import seal

FAR = 1 / 3  # of the wanted validation share; a cut that misses it by more is told
COLUMNS = ("protocol", "fold", "clip", "part")
LEAKAGE_COLUMNS = (
    "dataset", "protocol", "fold", "n_train", "n_validation", "n_test", "test_with_sibling_in_train",
    "test_with_sibling_of_any_class", "n_train_sources", "n_validation_sources", "n_test_sources",
)  # fmt: skip


def read_rows(clips: Path) -> list[Row]:
    """The decodable clips of clips.csv."""
    seal.require(clips.with_name("frames.json"), ("clips.csv",))
    table = read_csv(clips, ("clip", "class", "group", "source", "official", "status"))
    rows = [
        Row(row["clip"], row["class"], row["group"], row["source"], row["official"])
        for row in table
        if row["status"] == "ok"
    ]
    if not rows:
        raise DataError(f"{clips}: no clip has the status ok; expected at least one")
    return rows


def digest(rows: Iterable[dict[str, Any]]) -> str:
    """sha256 of the sorted clips and parts of one protocol and fold: equal digests, equal splits."""
    lines = sorted(f"{row['clip']}\t{row['part']}\n" for row in rows)
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def split(
    entry: Dataset,
    rows: Sequence[Row],
    protocol: str,
    fold: int,
    seed: int,
    validation: float,
    partial: bool = False,
) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """Rows of splits.csv and the row of leakage.csv for one protocol and fold."""
    part_of = parts(entry, rows, protocol, fold, seed, partial)
    check(entry, rows, part_of, protocol, fold)
    part_of, by_clip = cut_validation(rows, part_of, validation, seed)
    if by_clip:
        print(
            f"{entry.name}, {protocol}, fold {fold}: validation cut clip by clip, for want of a second "
            f"training source, in {', '.join(by_clip)}",
            file=sys.stderr,
        )
    count = Counter(part_of.values())
    warn_of_share(f"{entry.name}, {protocol}, fold {fold}", count[VALIDATION], count[TRAIN], validation)
    leakage = {
        "dataset": entry.name,
        "protocol": protocol,
        "fold": fold,
        "n_train": count[TRAIN],
        "n_validation": count[VALIDATION],
        "n_test": count[TEST],
        "test_with_sibling_in_train": f"{share_with_sibling(rows, part_of):.6f}",
        "test_with_sibling_of_any_class": f"{share_with_sibling(rows, part_of, any_class=True):.6f}",
        **{
            f"n_{part}_sources": len({row.source for row in rows if part_of[row.clip] == part})
            for part in (TRAIN, VALIDATION, TEST)
        },
    }
    table = [{"protocol": protocol, "fold": fold, "clip": row.clip, "part": part_of[row.clip]} for row in rows]
    return table, leakage


def warn_of_share(where: str, n_validation: int, n_train: int, wanted: float) -> None:
    """Say so where whole sources took far more or less than the share that was wanted: accuracies of protocols whose
    models trained on different numbers of clips do not differ by leakage alone."""
    got = n_validation / (n_validation + n_train)
    if abs(got - wanted) > FAR * wanted:
        print(
            f"{where}: validation takes {got:.1%} of the training clips ({n_validation} of {n_validation + n_train}) "
            f"in place of {wanted:.1%}, for want of more or smaller sources a class",
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
    parser.add_argument("--partial", action="store_true", help="the groups that are there share the folds")
    options = parser.parse_args(arguments)
    if not 0 < options.validation <= 0.5:
        raise DataError(f"--validation {options.validation}: expected more than 0 and at most 0.5")
    entry = dataset(options.dataset)
    rows = read_rows(options.clips)
    table, leakage, digests = [], [], {}
    for protocol in options.protocols:
        for fold in range(folds(entry.name, protocol)):
            try:
                some, leak = split(entry, rows, protocol, fold, options.seed, options.validation, options.partial)
            except DataError as error:  # a part of a set may lack whole folds; those that use them will say so
                print(f"warning: {error}", file=sys.stderr)
                continue
            table += some
            leakage.append(leak)
            digests[f"{protocol}/{fold}"] = digest(some)
    if not table:
        raise DataError(f"{options.clips}: no protocol has a fold with both training and test clips")
    write_csv(options.output / "leakage.csv", LEAKAGE_COLUMNS, leakage)
    # of test clips with a sibling, over all seeds
    expected, of_any_class = (round(expected_share(rows, RANDOM_FOLDS, every), 6) for every in (False, True))
    summary = {
        "seed": options.seed,
        "expected_leakage_of_random_splits": expected,
        "expected_leakage_of_random_splits_any_class": of_any_class,
        "digests": digests,
    }
    write_csv(options.output / "splits.csv", COLUMNS, table)
    digests = {name: seal.digest(options.output / name) for name in ("splits.csv", "leakage.csv")}
    write_json(options.output / "splits.json", seal.sealed(summary, digests))


if __name__ == "__main__":
    command_line(main)
