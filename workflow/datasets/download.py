"""Fetch a data set, or take the user's own copy, and record where it comes from.

    python -m workflow.datasets.download --dataset ucf11 --resources resources/ucf11 --output .../source.json

Downloads lie in RESOURCES/archives; their checksums in RESOURCES/lock.json. `--dataset inception_v3`
fetches the ImageNet weights of the inception_v3 front end the same way.
"""

import argparse
import sys
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from workflow.datasets.catalogue import CATALOGUE, INCEPTION, Part, Source, dataset
from workflow.datasets.checksums import Lock
from workflow.datasets.errors import DataError, command_line
from workflow.datasets.files import file_digest, write_json
from workflow.datasets.progress import bytes_bar
from workflow.datasets.source import fingerprint
from workflow.storage import seal
from workflow.storage.lock import exclusive

SPLIT_FILES = "*_test_split[123].txt"


def download(
    name: str,
    resources: Path,
    *,
    own: Path | None = None,
    insecure_tls: Collection[str] = (),
    first: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """Fetch what `name` needs into `resources`; returns the content of source.json.

    own: the user's folder or archive, in place of the clips. first: an address by part, tried before the
    others.
    """
    from workflow.datasets.fetch import fetch

    parts = (INCEPTION,) if name == INCEPTION.name else dataset(name).parts
    record: dict[str, Any] = {"dataset": name, "own": None, "parts": []}
    if own is not None:
        record["own"] = {"path": str(own), "fingerprint": fingerprint(own), **_whole(own)}
        parts = tuple(part for part in parts if part.role == "splits" and not _has_splits(own))
    for given in first or {}:
        if given not in {part.name for part in parts}:
            known = ", ".join(part.name for part in parts) or "none"
            raise DataError(f"--url '{given}={first[given]}': {name} has no such part; expected one of {known}")
    lock = Lock(resources / "lock.json")
    for part in parts:
        with exclusive(resources / part.name):
            got = fetch(
                _prefer(part, (first or {}).get(part.name)),
                resources / "archives",
                lock,
                resources=resources,
                insecure_tls=insecure_tls,
                progress=bytes_bar,
            )
        entry = {"part": part.name, "role": part.role, "file": str(got.file), "url": got.url}
        record["parts"].append({**entry, "sha256": got.sha256, "bytes": got.bytes})
    return record


def _whole(own: Path) -> dict[str, Any]:
    """Checksum and size where the user's copy is one file."""
    return {} if own.is_dir() else {"sha256": file_digest(own), "bytes": own.stat().st_size}


def _has_splits(own: Path) -> bool:
    return own.is_dir() and next(own.rglob(SPLIT_FILES), None) is not None


def _prefer(part: Part, url: str | None) -> Part:
    return replace(part, sources=(Source(url), *part.sources)) if url else part


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--dataset", required=True, help=f"{', '.join(CATALOGUE)} or {INCEPTION.name}")
    parser.add_argument("--resources", type=Path, required=True, help="folder of this set's downloads")
    parser.add_argument("--output", type=Path, required=True, help="source.json to write")
    parser.add_argument("--source", type=Path, help="folder or archive of your own, in place of the download")
    parser.add_argument("--insecure-tls", nargs="*", default=[], metavar="HOST", help="do not verify its certificate")
    parser.add_argument("--url", nargs="*", default=[], metavar="PART=URL", help="an address to try first")
    options = parser.parse_args(arguments)
    first = {}
    for pair in options.url:
        part, equals, url = pair.partition("=")
        if not equals:
            raise DataError(f"--url {pair!r}: expected PART=URL, for instance ucf11=https://example.org/ucf11.zip")
        first[part] = url
    record = download(
        options.dataset, options.resources, own=options.source, insecure_tls=options.insecure_tls, first=first
    )
    write_json(options.output, seal.sealed(record))
    size = sum(part["bytes"] for part in record["parts"])
    where = f"own copy at {options.source}, " if options.source else ""
    print(f"{options.dataset}: {where}{len(record['parts'])} files, {size / 1e6:.1f} MB", file=sys.stderr)


if __name__ == "__main__":
    command_line(main)
