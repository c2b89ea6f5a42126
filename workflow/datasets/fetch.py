"""Fetch one file from the first of its sources that gives the right bytes."""

import hashlib
import sys
import time
import warnings
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import quote, unquote, urlsplit

from workflow.datasets.catalogue import Download, Source
from workflow.datasets.errors import DataError
from workflow.datasets.transfer import DeadSourceError, Progress, TransientError, notes_of, transfer
from workflow.storage import seal
from workflow.storage.files import read_json, write_json

ATTEMPTS = 5  # at one address without a new byte


class Checksums:
    """lock.json: the checksum of every file when it was first downloaded, by address.

    Mirrors may pack the same clips differently, so each address has its own.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._entries: dict[str, dict[str, Any]] = read_json(path) if path.is_file() else {}

    def get(self, url: str) -> dict[str, Any] | None:
        """`{"file", "sha256", "bytes"}` of the first download from `url`."""
        return self._entries.get(url)

    def record(self, url: str, file: str, sha256: str, size: int) -> None:
        """Remember a verified download. An existing entry is never changed."""
        if url not in self._entries:
            self._entries[url] = {"file": file, "sha256": sha256, "bytes": size}
            write_json(self.path, self._entries)


@dataclass(frozen=True)
class Fetched:
    file: Path
    url: str
    sha256: str
    bytes: int


def fetch(
    download: Download,
    folder: Path,
    checksums: Checksums,
    key: str,
    *,
    resources: Path | None = None,
    insecure_tls: Collection[str] = (),
    progress: Callable[[str], Progress] = lambda name: lambda done, total: None,
    pause: Callable[[float], None] = time.sleep,
) -> Fetched:
    """Bring `download` into `folder`, or find it there from an earlier run.

    key: the configuration's key for the user's own copy, named in errors. resources: replaces {resources} in sources.
    insecure_tls: hosts whose certificate is not verified. pause: called with the seconds to wait before another
    attempt. Raises DataError with the reason of every source if none gives the file.
    """
    folder.mkdir(parents=True, exist_ok=True)
    place = quote((resources or folder).absolute().as_posix())
    sources = [Source(s.url.replace("{resources}", place), s.sha256, s.md5) for s in download.sources]
    if (kept := _kept(sources, folder, checksums)) is not None:
        return kept
    reasons = []
    for source in sources:
        try:
            return _from(source, folder, checksums, insecure_tls, progress, pause)
        except DeadSourceError as error:
            reasons.append(f"{source.url}: {error}")
            print(f"{download.name}: {reasons[-1]}", file=sys.stderr)
    raise DataError(
        f"{download.name}: no source could be downloaded (tried {len(sources)}). {' | '.join(reasons)} | "
        f"To use a copy of your own, set `{key}`"
    )


def _file(source: Source, folder: Path) -> Path:
    return folder / unquote(PurePosixPath(urlsplit(source.url).path).name)


def _kept(sources: Sequence[Source], folder: Path, checksums: Checksums) -> Fetched | None:
    """The intact file of an earlier run, if there is one. A file: source is always read again."""
    changed = None
    for source in sources:
        file, known = _file(source, folder), checksums.get(source.url)
        if known is None or not file.is_file() or urlsplit(source.url).scheme == "file":
            continue
        if file.stat().st_size == known["bytes"] and seal.digest(file) == known["sha256"]:
            return Fetched(file, source.url, known["sha256"], known["bytes"])
        changed = changed or (file, known["sha256"])  # unless a later mirror gave another file of this name
    if changed:
        raise DataError(
            f"{changed[0]}: differs from what was downloaded (sha256 {changed[1][:12]}... in {checksums.path}); "
            "remove the file to download it again"
        )
    return None


def _from(
    source: Source,
    folder: Path,
    checksums: Checksums,
    insecure_tls: Collection[str],
    progress: Callable[[str], Progress],
    pause: Callable[[float], None],
) -> Fetched:
    """Fetch from one source, with up to ATTEMPTS attempts without progress; raises DeadSourceError."""
    host = urlsplit(source.url).hostname
    verify = host not in insecure_tls
    if not verify:
        print(f"warning: not verifying the certificate of {host}, as `insecure_tls` asks", file=sys.stderr)
    file = _file(source, folder)
    partial = file.with_name(file.name + ".part")
    failures, reached = 0, -1
    while True:
        try:
            with warnings.catch_warnings():
                if not verify:  # the warning above names the host
                    warnings.filterwarnings("ignore", message="Unverified HTTPS request")
                transfer(source.url, partial, verify, progress(file.name))
            break
        except TransientError as error:
            size = partial.stat().st_size if partial.is_file() else 0
            failures, reached = (0, size) if size > reached else (failures + 1, reached)
            if failures == ATTEMPTS:
                raise DeadSourceError(f"{error} (tried {ATTEMPTS} times without progress)") from error
            print(f"{file.name}: {error}; retrying", file=sys.stderr)
            pause(min(2.0**failures, 30.0))
    try:
        sha256 = _verified(source, partial, checksums)
    except DeadSourceError:
        partial.unlink()
        raise
    finally:
        notes_of(partial).unlink(missing_ok=True)
    size = partial.stat().st_size
    partial.replace(file)
    if urlsplit(source.url).scheme != "file":
        checksums.record(source.url, file.name, sha256, size)
    return Fetched(file, source.url, sha256, size)


def _verified(source: Source, partial: Path, checksums: Checksums) -> str:
    """The sha256 of the file; DeadSourceError if it is a web page or has another checksum than expected."""
    with partial.open("rb") as file:
        if file.read(512).lstrip().lower().startswith((b"<!doctype html", b"<html")):
            raise DeadSourceError("the server sent a web page instead of the file")
        for algorithm, expected in (("md5", source.md5), ("sha256", source.sha256)):
            file.seek(0)
            if expected and not (found := hashlib.file_digest(file, algorithm).hexdigest()).startswith(expected):
                raise DeadSourceError(f"its {algorithm} is {found}; its publisher states {expected}")
    sha256 = seal.digest(partial)
    known = checksums.get(source.url)
    if known is not None and known["sha256"] != sha256:
        raise DeadSourceError(
            f"its sha256 is {sha256}, at the first download it was {known['sha256']} ({checksums.path})"
        )
    return sha256
