"""Assign clips to train, validation and test in every fold: splits.csv, splits.json and leakage.csv.

Leakage is the share of test clips with a sibling (a clip of the same source) in train, not validation. It is counted in
two ways. Siblings of the same class reveal the label. Siblings of any class reveal the place, the people and the
camera; official splits are made class by class and allow them, as many of HMDB51's films are in several classes.
Sources are compared by name, which is all that the data sets give: one film may have several names, and two uploads may
share a title.
"""

import hashlib
import sys
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

from typer import Option

from workflow.datasets import catalogue
from workflow.datasets.catalogue import Dataset
from workflow.datasets.layouts import Clip
from workflow.datasets.protocols import TEST, TRAIN, VALIDATED, VALIDATION, add_validation, folds, train_and_test
from workflow.storage import seal
from workflow.storage.command_line import command_line
from workflow.storage.errors import InputError
from workflow.storage.files import read_csv, write_csv

FAR = 1 / 3  # warn if validation misses its share by more than this share of it
PARTS = (TRAIN, VALIDATION, TEST)
COLUMNS = ("protocol", "fold", "clip", "part")
SIBLINGS = {"in_train": False, "of_any_class": True}  # of test clips; whether of another class too


class EmptyPartError(InputError):
    """A fold of a partial set has nothing to train on or to test; the runs that need it fail."""


def read_clips(path: Path) -> list[Clip]:
    """Return the clips of clips.csv that decode, or all clips of listing.csv."""
    listed = path.name == "listing.csv"
    seal.require(path.with_name("inventory.json" if listed else "frames.json"), (path.name,))
    columns = ("clip", "class", "group", "source", "official")
    table = read_csv(path, columns if listed else (*columns, "status"))
    clips = [Clip(*(row[name] for name in columns)) for row in table if listed or row["status"] == "ok"]
    if not clips:
        raise InputError(f"{path}: no clip has the status ok; expected at least one")
    return clips


def digest(rows: Iterable[dict[str, Any]]) -> str:
    """Return the sha256 of the sorted clips and parts of one protocol and fold; equal digests mean equal splits."""
    lines = sorted(f"{row['clip']}\t{row['part']}\n" for row in rows)
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def share_with_sibling(clips: Sequence[Clip], part_of: Mapping[str, str], any_class: bool = False) -> float:
    """Return the share of test clips with a sibling, of the same class or of any, in train."""
    sources = {clip.clip: (clip.source, "" if any_class else clip.label) for clip in clips}
    seen = {sources[clip] for clip, part in part_of.items() if part == TRAIN}
    tested = [clip for clip, part in part_of.items() if part == TEST]
    return sum(sources[clip] in seen for clip in tested) / len(tested)


def split(
    entry: Dataset,
    clips: Sequence[Clip],
    protocol: str,
    fold: int,
    seed: int,
    validation: float,
    published_seed: str | None = None,
    by_clip: bool = False,
) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """Return the rows of splits.csv and the row of leakage.csv of a protocol and fold.

    by_clip: the validation part is drawn clip by clip under every protocol. Raises EmptyPartError if the fold has no
    clip to train on or none to test, InputError if it cannot be drawn.
    """
    part_of = train_and_test(entry, clips, protocol, fold, seed, published_seed)
    for part in (TRAIN, TEST):
        if part not in part_of.values():
            raise EmptyPartError(
                f"{entry.name}: fold {fold} of protocol {protocol!r} has no {part} clip among {len(clips)}; "
                "leave this fold out or use more of the set"
            )
    part_of = add_validation(clips, part_of, protocol, validation, seed, by_clip)
    count = Counter(part_of.values())
    taken, n = count[VALIDATION], count[VALIDATION] + count[TRAIN]
    if abs(taken / n - validation) > FAR * validation:  # another size of train changes accuracy as leakage does
        print(
            f"{entry.name}, {protocol}, fold {fold}: validation has {taken / n:.1%} of the training clips ({taken} of "
            f"{n}) instead of {validation:.1%}, because a class has few clips, or few or large sources",
            file=sys.stderr,
        )
    sources = Counter(part for _, part in {(clip.source, part_of[clip.clip]) for clip in clips})
    trained = {(clip.label, clip.source) for clip in clips if part_of[clip.clip] == TRAIN}
    shares = {where: share_with_sibling(clips, part_of, any_class) for where, any_class in SIBLINGS.items()}
    leakage = {
        **{"dataset": entry.name, "protocol": protocol, "fold": fold},
        **{f"n_{part}": count[part] for part in PARTS},
        **{f"test_with_sibling_{where}": f"{share:.6f}" for where, share in shares.items()},
        **{f"n_{part}_sources": sources[part] for part in PARTS},
        "train_sources_per_class": f"{len(trained) / len({label for label, _ in trained}):.6f}",
    }
    return [{"protocol": protocol, "fold": fold, "clip": clip, "part": part} for clip, part in part_of.items()], leakage


def main(
    dataset: Annotated[str, Option()],
    clips: Annotated[Path, Option(help="clips.csv of the frames step, or listing.csv of the unpack step")],
    output: Annotated[Path | None, Option(help="folder of the three files; without it, they are not written")] = None,
    protocol: Annotated[list[str] | None, Option(help="may be repeated; group and random by default")] = None,
    seed: int = 11111986,
    published_seed: Annotated[Literal["tt_rnn"] | None, Option(help="test the clips that this code tests")] = None,
    validation: Annotated[list[str] | None, Option(metavar="PROTOCOL=SHARE", help="0 by default")] = None,
    validation_by_clip: Annotated[bool, Option(help="draw validation clip by clip under every protocol")] = False,
) -> None:
    entry = catalogue.dataset(dataset)
    shares = {name: float(share) for name, _, share in (text.partition("=") for text in validation or ())}
    known, protocols = read_clips(clips), protocol or VALIDATED
    table, leakage, digests = [], [], {}
    for name, fold in [(p, fold) for p in protocols for fold in range(folds(dataset, p))]:
        try:
            rows, counted = split(
                entry, known, name, fold, seed, shares.get(name, 0.0), published_seed, validation_by_clip
            )
        except EmptyPartError as error:
            print(f"warning: {error}", file=sys.stderr)
            continue
        table += rows
        leakage.append(counted)
        digests[f"{name}/{fold}"] = digest(rows)
    if not table:
        raise InputError(f"{clips}: no protocol has a fold with both training and test clips")
    if output is not None:
        write_csv(output / "splits.csv", COLUMNS, table)
        write_csv(output / "leakage.csv", tuple(leakage[0]), leakage)
        seal.write(output / "splits.json", {"seed": seed, "digests": digests}, ["splits.csv", "leakage.csv"])
        made = {name: [key.partition("/")[2] for key in digests if key.startswith(f"{name}/")] for name in protocols}
        texts = (f"{name} {', '.join(numbers) or 'none'}" for name, numbers in made.items())
        print(f"{dataset}: folds of {len(known)} clips: {'; '.join(texts)}", file=sys.stderr)


if __name__ == "__main__":
    command_line(main)
