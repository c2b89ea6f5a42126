"""Unpack what was downloaded, or look into the user's own copy, and list the clips beside the inventory.

    python -m workflow.datasets.unpack --dataset ucf11 --origin .../source.json --resources resources/ucf11 \\
        --output results/paper/data/ucf11

Writes listing.csv and inventory.json. Unpacked archives lie in RESOURCES/unpacked, named by their checksum. The listing
carries the sha256 of what came out of an archive, so that a clip that is damaged afterwards is told.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from workflow.datasets import inventory, listing, official
from workflow.datasets.archives import digests, record, unpack
from workflow.datasets.catalogue import Dataset, dataset
from workflow.datasets.errors import DataError, command_line
from workflow.datasets.files import read_json, write_csv, write_json
from workflow.datasets.layouts import Clip
from workflow.storage import seal
from workflow.storage.lock import exclusive

NAMES_IN_MESSAGE = 3


def places(entry: Dataset, origin_file: Path, resources: Path) -> dict[str, Path]:
    """Unpack what is not unpacked yet; the folder of each role: clips, and splits where there are any.

    origin_file: source.json of the download step.
    """
    origin = read_json(origin_file)
    found = {}
    for file in origin["downloads"]:
        cure = f"remove {file['file']} and {origin_file} and start again, and it is downloaded anew"
        found[file["role"]] = _unpacked(Path(file["file"]), file["sha256"], resources, entry.unpacked_limit, cure)
    if origin["own"]:
        own = Path(origin["own"]["path"])
        if not own.exists():
            raise DataError(f"{own}: no such folder or archive; it was given as `source` of {entry.name}")
        if own.is_dir():
            found["clips"] = own
        else:
            cure = f"put a whole one there, or remove {origin_file} if it is another one by intent, and start again"
            found["clips"] = _unpacked(own, origin["own"]["sha256"], resources, entry.unpacked_limit, cure)
    return found


def _unpacked(archive: Path, sha256: str, resources: Path, limit: int, cure: str) -> Path:
    target = resources / "unpacked" / sha256[:16]
    with exclusive(target):  # configurations share it
        try:
            return unpack(archive, target, limit, sha256)
        except seal.DamagedError as error:
            raise seal.DamagedError(f"{error}; {cure}") from None


def listed(entry: Dataset, folders: dict[str, Path]) -> tuple[list[dict[str, str]], dict[str, Any]]:
    """Rows of listing.csv and the report beside the inventory."""
    folder = folders["clips"]
    files = listing.walk(folder)
    clips = listing.clips_of(entry, folder, files)
    codes = {}
    if entry.groups_per_fold is None:
        splits = folders.get("splits", folder)
        codes = official.read(splits / file for file in listing.walk(splits))
        if not codes:
            raise DataError(f"{splits}: none of the official split files <class>_test_split<1..3>.txt of {entry.name}")
        official.check(codes)
    report = inventory.compare(entry.name, clips.values(), codes)
    unread = [file.as_posix() for file in files if file not in clips and _like_a_clip(file)]
    report["extra"] = sorted({*report["extra"], *(name.encode(errors="backslashreplace").decode() for name in unread)})
    extra = set(report["extra"])  # told, not used: what is trained on is the set
    kept: dict[Path, Clip] = {file: clip for file, clip in clips.items() if clip.clip not in extra}
    return listing.rows(folder, kept, codes, digests(folder) if record(folder).is_file() else {}), report


def _like_a_clip(file: Path) -> bool:
    return file.suffix.lower() in (".avi", ".mpg", ".mpeg", ".mp4") and not file.name.startswith("._")


def judge(entry: Dataset, report: dict[str, Any], partial: bool, max_missing: float) -> None:
    """Raise DataError if more than the share `max_missing` of the inventory is missing, unless `partial`."""
    missing = report["n_missing"]
    if partial or missing <= max_missing * report["expected"]:
        return
    examples = ", ".join(report["missing"][:NAMES_IN_MESSAGE])
    more = ", ..." if len(report["missing"]) > NAMES_IN_MESSAGE else ""
    raise DataError(
        f"{entry.name}: {missing} of {report['expected']} clips are missing ({examples}{more}), "
        f"allowed is a share of {max_missing:g} (`max_missing`); for a part of the set say `partial: true`"
    )


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--dataset", required=True)
    parser.add_argument("--origin", type=Path, required=True, help="source.json of the download step")
    parser.add_argument("--resources", type=Path, required=True, help="folder of this set's downloads")
    parser.add_argument("--output", type=Path, required=True, help="folder for listing.csv and inventory.json")
    parser.add_argument("--partial", action="store_true", help="clips may be missing")
    parser.add_argument("--max-missing", type=float, default=0.0, help="share of the inventory (default 0)")
    options = parser.parse_args(arguments)
    entry = dataset(options.dataset)
    seal.require(options.origin)
    rows, report = listed(entry, places(entry, options.origin, options.resources))
    summary = ", ".join(
        f"{len(report[kind]) if kind != 'missing' else report['n_missing']} {kind}"
        for kind in ("missing", "extra", "duplicate")
    )
    print(f"{entry.name}: {report['found']} clips of {report['expected']}; {summary}", file=sys.stderr)
    try:
        judge(entry, report, options.partial, options.max_missing)
    except DataError:
        write_json(options.output / "inventory.json", report)  # the names that the sentence has no room for
        raise
    write_csv(options.output / "listing.csv", listing.COLUMNS, rows)
    vouched = {"listing.csv": seal.digest(options.output / "listing.csv")}
    write_json(options.output / "inventory.json", seal.sealed(report, vouched))


if __name__ == "__main__":
    command_line(main)
