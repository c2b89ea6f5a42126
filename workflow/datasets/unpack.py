"""Unpack the downloads, or open the user's own copy, and compare the clips with the inventory.

    python -m workflow.datasets.unpack --dataset ucf11 --origin .../source.json --resources resources/ucf11 \\
        --output results/paper/data/ucf11

Writes listing.csv and inventory.json. Archives are unpacked into RESOURCES/unpacked/<start of their checksum>. The
listing has the sha256 of every unpacked clip, so a clip that is corrupted later is detected.
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
from workflow.storage import seal
from workflow.storage.files import read_json, write_csv, write_json
from workflow.storage.lock import exclusive

NAMES_IN_MESSAGE = 3


def folders_of(entry: Dataset, origin_file: Path, resources: Path) -> dict[str, Path]:
    """The folder of each role, clips and splits (if the set has any); unpack archives that are not unpacked yet.

    origin_file: source.json of the download step.
    """
    origin = read_json(origin_file)
    if "downloads" not in origin:
        raise DataError(f"{origin_file}: key 'downloads' is missing. Delete this file and rerun")
    found = {}
    for file in origin["downloads"]:
        remedy = f"Delete {file['file']} and {origin_file} and rerun, to download it again"
        found[file["role"]] = _unpacked(Path(file["file"]), file["sha256"], resources, entry.unpacked_limit, remedy)
    if origin["own"]:
        own = Path(origin["own"]["path"])
        if not own.exists():
            raise DataError(f"{own}: no such folder or archive; it was given as `datasets.{entry.name}.source`")
        if own.is_dir():
            found["clips"] = own
        else:
            remedy = f"Restore it, or delete {origin_file} if you replaced it on purpose, and rerun"
            found["clips"] = _unpacked(own, origin["own"]["sha256"], resources, entry.unpacked_limit, remedy)
    return found


def _unpacked(archive: Path, sha256: str, resources: Path, limit: int, remedy: str) -> Path:
    target = resources / "unpacked" / sha256[:16]
    with exclusive(target):  # shared by all configurations
        try:
            return unpack(archive, target, limit, sha256)
        except seal.DamagedError as error:
            raise seal.DamagedError(f"{error}. {remedy}") from None


def listed(entry: Dataset, folders: dict[str, Path]) -> tuple[list[dict[str, str]], dict[str, Any]]:
    """Rows of listing.csv, and the comparison with the inventory."""
    folder = folders["clips"]
    files = listing.walk(folder)
    clips = listing.clips_of(entry, folder, files)
    codes = {}
    if entry.groups_per_fold is None:
        splits = folders.get("splits", folder)
        codes = official.read(splits / file for file in listing.walk(splits))
        if not codes:
            raise DataError(
                f"{splits}: contains no official split file of {entry.name}; expected <class>_test_split<1..3>.txt"
            )
        official.check(codes)
    report = inventory.compare(entry.name, clips.values(), codes)
    unread = [file.as_posix() for file in files if file not in clips and _like_a_clip(file)]
    report["extra"] = sorted({*report["extra"], *(name.encode(errors="backslashreplace").decode() for name in unread)})
    extra = set(report["extra"])  # reported but not used: training uses the clips of the set only
    kept = {file: clip for file, clip in clips.items() if clip.clip not in extra}
    return listing.rows(folder, kept, codes, digests(folder) if record(folder).is_file() else {}), report


def _like_a_clip(file: Path) -> bool:
    return file.suffix.lower() in (".avi", ".mpg", ".mpeg", ".mp4") and not file.name.startswith("._")


def check_missing(entry: Dataset, report: dict[str, Any], partial: bool, max_missing: float) -> None:
    """Raise DataError if more than the share `max_missing` of the inventory is missing, unless `partial`."""
    missing = report["n_missing"]
    if partial or missing <= max_missing * report["expected"]:
        return
    examples = ", ".join(report["missing"][:NAMES_IN_MESSAGE])
    more = ", ..." if len(report["missing"]) > NAMES_IN_MESSAGE else ""
    raise DataError(
        f"{entry.name}: {missing} of {report['expected']} clips are missing ({examples}{more}); at most the share "
        f"{max_missing:g} may be (`max_missing`). To use part of the set, set `partial: true`"
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
    rows, report = listed(entry, folders_of(entry, options.origin, options.resources))
    print(
        f"{entry.name}: {report['found']} clips of {report['expected']}; {report['n_missing']} missing, "
        f"{len(report['extra'])} extra, {len(report['duplicate'])} duplicate",
        file=sys.stderr,
    )
    try:
        check_missing(entry, report, options.partial, options.max_missing)
    except DataError:
        write_json(options.output / "inventory.json", report)  # names every missing clip
        raise
    write_csv(options.output / "listing.csv", listing.COLUMNS, rows)
    sealed = seal.sealed(report, {"listing.csv": seal.digest(options.output / "listing.csv")})
    write_json(options.output / "inventory.json", sealed)


if __name__ == "__main__":
    command_line(main)
