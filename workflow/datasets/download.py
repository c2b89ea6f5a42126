"""Fetch a data set, or take the user's own copy, and record where it comes from.

    python -m workflow.datasets.download --dataset ucf11 --resources resources/ucf11 --output .../source.json

Downloads lie in RESOURCES/archives; their checksums in RESOURCES/lock.json. `--dataset FRONT_END`
fetches the weights of a front end the same way.
"""

import argparse
import sys
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from workflow.datasets.catalogue import CATALOGUE, Download, Source, dataset
from workflow.datasets.checksums import Lock
from workflow.datasets.errors import DataError, command_line
from workflow.datasets.files import file_digest, write_json
from workflow.datasets.front_ends import FRONT_ENDS
from workflow.datasets.progress import bytes_bar
from workflow.datasets.source import fingerprint
from workflow.storage import seal
from workflow.storage.lock import exclusive

SPLIT_FILES = "*_test_split[123].txt"
WEIGHTS = {name: front_end.weights for name, front_end in FRONT_ENDS.items() if front_end.weights}


def download(
    name: str,
    resources: Path,
    *,
    own: Path | None = None,
    insecure_tls: Collection[str] = (),
    first: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """Fetch what `name` needs into `resources`; returns the content of source.json.

    own: the user's folder or archive, in place of the clips. first: an address by download, tried before the
    others.
    """
    from workflow.datasets.fetch import fetch

    weights = WEIGHTS.get(name)
    downloads = (weights,) if weights else dataset(name).downloads
    key = f"{name}.weights" if weights else f"datasets.{name}.source"
    record: dict[str, Any] = {"dataset": name, "own": None, "downloads": []}
    if own is not None:
        record["own"] = {"path": str(own), "fingerprint": fingerprint(own, key), **_whole(own)}
        downloads = tuple(file for file in downloads if file.role == "splits" and not _has_splits(own))
    for given in first or {}:
        if given not in {file.name for file in downloads}:
            known = ", ".join(file.name for file in downloads) or "none"
            raise DataError(f"--url '{given}={first[given]}': {name} has no such download; expected one of {known}")
    lock = Lock(resources / "lock.json")
    for file in downloads:
        with exclusive(resources / file.name):
            got = fetch(
                _prefer(file, (first or {}).get(file.name)),
                resources / "archives",
                lock,
                key,
                resources=resources,
                insecure_tls=insecure_tls,
                progress=bytes_bar,
            )
        entry = {"name": file.name, "role": file.role, "file": str(got.file), "url": got.url}
        record["downloads"].append({**entry, "sha256": got.sha256, "bytes": got.bytes})
    return record


def _whole(own: Path) -> dict[str, Any]:
    """Checksum and size where the user's copy is one file."""
    return {} if own.is_dir() else {"sha256": file_digest(own), "bytes": own.stat().st_size}


def _has_splits(own: Path) -> bool:
    return own.is_dir() and next(own.rglob(SPLIT_FILES), None) is not None


def _prefer(file: Download, url: str | None) -> Download:
    return replace(file, sources=(Source(url), *file.sources)) if url else file


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--dataset", required=True, help=", ".join((*CATALOGUE, *WEIGHTS)))
    parser.add_argument("--resources", type=Path, required=True, help="folder of this set's downloads")
    parser.add_argument("--output", type=Path, required=True, help="source.json to write")
    parser.add_argument("--source", type=Path, help="folder or archive of your own, in place of the download")
    parser.add_argument("--insecure-tls", nargs="*", default=[], metavar="HOST", help="do not verify its certificate")
    parser.add_argument("--url", nargs="*", default=[], metavar="NAME=URL", help="an address to try first")
    options = parser.parse_args(arguments)
    first = {}
    for pair in options.url:
        download_name, equals, url = pair.partition("=")
        if not equals:
            raise DataError(f"--url {pair!r}: expected NAME=URL, for instance ucf11=https://example.org/ucf11.zip")
        first[download_name] = url
    record = download(
        options.dataset, options.resources, own=options.source, insecure_tls=options.insecure_tls, first=first
    )
    write_json(options.output, seal.sealed(record))
    size = sum(file["bytes"] for file in record["downloads"])
    where = f"own copy at {options.source}, " if options.source else ""
    print(f"{options.dataset}: {where}{len(record['downloads'])} files, {size / 1e6:.1f} MB", file=sys.stderr)


if __name__ == "__main__":
    command_line(main)
