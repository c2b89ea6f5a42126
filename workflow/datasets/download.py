"""Fetch a data set or the weights of a front end, or take the user's own copy; record the origin in source.json.

    python -m workflow.datasets.download --dataset ucf11 --resources resources/ucf11 --output .../source.json

Downloads are kept in RESOURCES/archives, their checksums in RESOURCES/lock.json.
"""

import argparse
import hashlib
import os
import sys
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

from workflow.datasets.catalogue import CATALOGUE, dataset
from workflow.datasets.errors import DataError, command_line
from workflow.datasets.front_ends import FRONT_ENDS
from workflow.datasets.progress import bytes_bar
from workflow.storage import seal
from workflow.storage.files import write_json
from workflow.storage.lock import exclusive

SPLIT_FILES = "*_test_split[123].txt"
WEIGHTS = {name: front_end.weights for name, front_end in FRONT_ENDS.items() if front_end.weights}


def fingerprint(path: str | Path, key: str) -> str:
    """Digest of the names, sizes and modification times of a file or of all files in a folder: it changes when they do.

    Reads no content, so it takes less than a second. `key` is the key of the configuration that gave `path`, for the
    DataError if it does not exist.
    """
    path = Path(path)
    if not path.exists():
        raise DataError(f"{path}: no such file or folder; it was given as `{key}`")
    digest = hashlib.sha256()
    for name, size, changed in sorted(_entries(path)):
        digest.update(f"{size} {changed} ".encode() + os.fsencode(name) + b"\0")
    return digest.hexdigest()


def _entries(path: Path) -> list[tuple[str, int, int]]:
    if not path.is_dir():
        stat = path.stat()
        return [(path.name, stat.st_size, stat.st_mtime_ns)]
    found = []
    waiting = [str(path)]
    while waiting:
        with os.scandir(waiting.pop()) as entries:
            for entry in entries:
                if entry.is_dir():
                    waiting.append(entry.path)
                else:
                    # a broken link counts by its name; the step that reads the folder decides whether it matters
                    stat = entry.stat() if Path(entry).exists() else entry.stat(follow_symlinks=False)
                    found.append((os.path.relpath(entry.path, path), stat.st_size, stat.st_mtime_ns))
    return found


def download(
    name: str,
    resources: Path,
    *,
    own: Path | None = None,
    insecure_tls: Collection[str] = (),
) -> dict[str, Any]:
    """Fetch what the data set or front end `name` needs into `resources`; returns the content of source.json.

    own: the user's folder or archive, which replaces the clips. insecure_tls: hosts whose certificate is not verified.
    """
    from workflow.datasets.fetch import Checksums, fetch

    weights = WEIGHTS.get(name)
    downloads = (weights,) if weights else dataset(name).downloads
    key = f"{name}.weights" if weights else f"datasets.{name}.source"
    record: dict[str, Any] = {"dataset": name, "own": None, "downloads": []}
    if own is not None:
        record["own"] = {"path": str(own), "fingerprint": fingerprint(own, key), **_checksum(own)}
        downloads = tuple(file for file in downloads if file.role == "splits" and not _has_splits(own))
    checksums = Checksums(resources / "lock.json")
    for file in downloads:
        with exclusive(resources / file.name):
            fetched = fetch(
                file,
                resources / "archives",
                checksums,
                key,
                resources=resources,
                insecure_tls=insecure_tls,
                progress=bytes_bar,
            )
        entry = {"name": file.name, "role": file.role, "file": str(fetched.file), "url": fetched.url}
        record["downloads"].append({**entry, "sha256": fetched.sha256, "bytes": fetched.bytes})
    return record


def _checksum(own: Path) -> dict[str, Any]:
    """Checksum and size of the user's copy if it is one file."""
    return {} if own.is_dir() else {"sha256": seal.digest(own), "bytes": own.stat().st_size}


def _has_splits(own: Path) -> bool:
    return own.is_dir() and next(own.rglob(SPLIT_FILES), None) is not None


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--dataset", required=True, metavar="NAME", help=", ".join((*CATALOGUE, *WEIGHTS)))
    parser.add_argument("--resources", type=Path, required=True, help="folder of its downloads")
    parser.add_argument("--output", type=Path, required=True, help="source.json to write")
    parser.add_argument("--source", type=Path, help="your own folder or archive, used instead of the download")
    parser.add_argument("--insecure-tls", nargs="*", default=[], metavar="HOST", help="do not verify its certificate")
    options = parser.parse_args(arguments)
    record = download(options.dataset, options.resources, own=options.source, insecure_tls=options.insecure_tls)
    write_json(options.output, seal.sealed(record))
    size = sum(file["bytes"] for file in record["downloads"])
    where = f"own copy at {options.source}, " if options.source else ""
    print(f"{options.dataset}: {where}{len(record['downloads'])} files, {size / 1e6:.1f} MB", file=sys.stderr)


if __name__ == "__main__":
    command_line(main)
