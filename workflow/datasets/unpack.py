"""Unpack the downloads, or open the user's own copy, and compare the clips with the inventory.

Writes listing.csv and inventory.json. Archives are unpacked into RESOURCES/unpacked/<start of their checksum>. The
listing has the sha256 of every unpacked clip, so a clip that is corrupted later is detected.
"""

import sys
from pathlib import Path
from typing import Annotated, Any

from typer import Option

from workflow.datasets import archives, catalogue, inventory, listing, official
from workflow.datasets.catalogue import Dataset
from workflow.storage import seal
from workflow.storage.command_line import command_line
from workflow.storage.errors import InputError
from workflow.storage.files import read_json, write_csv, write_json
from workflow.storage.lock import exclusive


def folders_of(entry: Dataset, origin_file: Path, resources: Path) -> dict[str, Path]:
    """Return the folder of each role ("clips", also "splits" if the set has any), unpacking archives if necessary.

    origin_file: source.json of the download step.
    """
    seal.require(origin_file)
    found = {}
    for role, source in read_json(origin_file)["sources"].items():
        file, sha256 = Path(source["file"]), source.get("sha256")
        if sha256 is None:  # the user's own folder
            if not file.is_dir():
                raise InputError(f"{file}: no such folder; it was given as `datasets.{entry.name}.source`")
            found[role] = file
            continue
        target = resources / "unpacked" / sha256[:16]
        with exclusive(target):  # shared by all configurations
            try:
                found[role] = archives.unpack(file, target, sha256)
            except seal.DamagedError as error:
                remedy = f"Restore it, or delete {origin_file} if you replaced it on purpose, and rerun"
                if source["url"] or not entry.downloads:
                    made = "download" if source["url"] else "generate"
                    remedy = f"Delete {file} and {origin_file} and rerun, to {made} it again"
                raise seal.DamagedError(f"{error}. {remedy}") from None
    return found


def listed(entry: Dataset, folders: dict[str, Path]) -> tuple[list[dict[str, str]], dict[str, Any]]:
    """Return the rows of listing.csv and the comparison with the inventory."""
    folder = folders["clips"]
    files = listing.walk(folder)
    clips = listing.clips_of(entry, folder, files)
    codes = {}
    if entry.official:
        splits = folders.get("splits", folder)
        codes = official.read((splits / file for file in listing.walk(splits)), entry)
        if not codes:
            raise InputError(
                f"{splits}: contains no official split file of {entry.name}; expected "
                f"<class>_test_split<1..{entry.group_folds}>.txt"
            )
    report = inventory.compare(entry, clips.values(), codes)
    extra = set(report["extra"])  # reported but not used: training uses only the clips of the inventory
    kept = {file: clip for file, clip in clips.items() if clip.clip not in extra}
    unread = {archives.printable(file) for file in files if file not in clips and listing.is_video(file)}
    report["extra"] = sorted(extra | unread)
    return listing.rows(folder, kept, codes, archives.digests(folder)), report


def main(
    dataset: Annotated[str, Option(metavar="NAME", help="A data set of the catalogue.")],
    origin: Annotated[Path, Option(help="source.json of the download step.")],
    resources: Annotated[Path, Option(help="Folder of this set's downloads.")],
    output: Annotated[Path, Option(help="Folder for listing.csv and inventory.json.")],
    partial: Annotated[bool, Option("--partial", help="Clips may be missing.")] = False,
    max_missing: Annotated[float, Option(help="Share of the inventory that may be missing.")] = 0.0,
) -> None:
    entry = catalogue.dataset(dataset)
    rows, report = listed(entry, folders_of(entry, origin, resources))
    print(
        f"{entry.name}: {report['found']} clips of {report['expected']}; {report['n_missing']} missing, "
        f"{len(report['extra'])} extra, {len(report['duplicate'])} duplicate",
        file=sys.stderr,
    )
    write_json(output / "inventory.json", report)  # names every missing clip
    if not partial and report["n_missing"] > max_missing * report["expected"]:
        names = report["missing"][:3] or ["the split files do not name them"]
        examples = ", ".join(names) + ", ..." * (len(report["missing"]) > 3)
        raise InputError(
            f"{dataset}: {report['n_missing']} of {report['expected']} clips are missing ({examples}); at most the "
            f"share {max_missing:g} may be (`max_missing`). To use part of the set, set `partial: true`"
        )
    if not rows:
        here = f"{report['found']} clips that are here ({report['extra'][0]}, ...)"
        raise InputError(f"{dataset}: the inventory has none of the {here}; count it again with make_inventories")
    write_csv(output / "listing.csv", listing.COLUMNS, rows)
    seal.write(output / "inventory.json", report, ["listing.csv"])


if __name__ == "__main__":
    command_line(main)
