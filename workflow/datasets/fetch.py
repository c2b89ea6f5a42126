"""One file of a data set, from the first of its sources that gives the right bytes."""

import sys
import time
import warnings
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from urllib.parse import quote, unquote, urlsplit

from workflow.datasets.catalogue import Download, Source
from workflow.datasets.checksums import Lock
from workflow.datasets.errors import DataError
from workflow.datasets.files import file_digest
from workflow.datasets.transfer import DeadSourceError, Progress, TransientError, transfer

ATTEMPTS = 5  # at one address without a byte gained in between


@dataclass(frozen=True)
class Fetched:
    file: Path
    url: str
    sha256: str
    bytes: int


def fetch(
    download: Download,
    folder: Path,
    lock: Lock,
    key: str,
    *,
    resources: Path | None = None,
    insecure_tls: Collection[str] = (),
    progress: Callable[[str], Progress] = lambda name: lambda done, total: None,
    pause: Callable[[float], None] = time.sleep,
) -> Fetched:
    """Bring `download` into `folder`, or find it there from an earlier run.

    key: the key of the configuration that names a copy of the user's own, for errors.
    insecure_tls: hosts whose certificate is not verified. pause: called with the seconds to wait before
    another attempt. Raises DataError with the reason of every source when none gives the file.
    """
    folder.mkdir(parents=True, exist_ok=True)
    place = quote((resources or folder).absolute().as_posix())
    sources = [Source(s.url.replace("{resources}", place), s.sha256, s.md5) for s in download.sources]
    if (kept := _kept(sources, folder, lock)) is not None:
        return kept
    reasons = []
    for source in sources:
        try:
            return _from(source, folder, lock, insecure_tls, progress, pause)
        except DeadSourceError as error:
            reasons.append(f"{source.url}: {error}")
            print(f"{download.name}: {reasons[-1]}", file=sys.stderr)
    raise DataError(
        f"{download.name}: no source could be downloaded (tried {len(sources)}). "
        + " | ".join(reasons)
        + f" | To use a copy of your own, set `{key}`"
    )


def _file(source: Source, folder: Path) -> Path:
    return folder / unquote(PurePosixPath(urlsplit(source.url).path).name)


def _kept(sources: Sequence[Source], folder: Path, lock: Lock) -> Fetched | None:
    """What an earlier run downloaded, if it is still what it was. A file: source is always read again."""
    changed = None
    for source in sources:
        file, known = _file(source, folder), lock.get(source.url)
        if known is None or not file.is_file() or urlsplit(source.url).scheme == "file":
            continue
        if file.stat().st_size == known["bytes"] and file_digest(file) == known["sha256"]:
            return Fetched(file, source.url, known["sha256"], known["bytes"])
        changed = changed or (file, known["sha256"])  # unless a mirror gave another file of this name
    if changed:
        raise DataError(
            f"{changed[0]}: differs from what was downloaded (sha256 {changed[1][:12]}... in {lock.path}); "
            "remove the file to download it again"
        )
    return None


def _from(
    source: Source,
    folder: Path,
    lock: Lock,
    insecure_tls: Collection[str],
    progress: Callable[[str], Progress],
    pause: Callable[[float], None],
) -> Fetched:
    host = urlsplit(source.url).hostname
    verify = host not in insecure_tls
    if not verify:
        print(f"warning: the certificate of {host} is not verified, as `insecure_tls` asks", file=sys.stderr)
    file = _file(source, folder)
    part = file.with_name(file.name + ".part")
    failures, reached = 0, -1
    while True:
        try:
            with warnings.catch_warnings():
                if not verify:  # said once above, by name
                    warnings.filterwarnings("ignore", message="Unverified HTTPS request")
                transfer(source.url, part, verify, progress(file.name))
            break
        except TransientError as error:
            size = part.stat().st_size if part.is_file() else 0
            failures, reached = (0, size) if size > reached else (failures + 1, reached)
            if failures == ATTEMPTS:
                raise DeadSourceError(f"{error} (tried {ATTEMPTS} times without progress)") from error
            print(f"{file.name}: {error}; trying again", file=sys.stderr)
            pause(min(2.0**failures, 30.0))
    sha256 = _verified(source, part, lock)
    size = part.stat().st_size
    part.replace(file)
    part.with_name(part.name + ".json").unlink(missing_ok=True)
    if urlsplit(source.url).scheme != "file":
        lock.record(source.url, file.name, sha256, size)
    return Fetched(file, source.url, sha256, size)


def _verified(source: Source, part: Path, lock: Lock) -> str:
    """The sha256 of what came; DeadSourceError, and nothing kept, if it is a web page or not as expected."""
    try:
        with part.open("rb") as file:
            if file.read(512).lstrip().lower().startswith((b"<!doctype html", b"<html")):
                raise DeadSourceError("a web page came in place of the file")
        sha256 = file_digest(part)
        known = lock.get(source.url)
        expected = {"sha256": source.sha256, "md5": source.md5}
        for algorithm, value in expected.items():
            found = file_digest(part, algorithm) if value else ""
            if not found.startswith(value or ""):
                raise DeadSourceError(f"its {algorithm} is {found}, published is {value}")
        if known is not None and known["sha256"] != sha256:
            raise DeadSourceError(
                f"its sha256 is {sha256}, at the first download it was {known['sha256']} ({lock.path})"
            )
    except DeadSourceError:
        part.unlink()
        part.with_name(part.name + ".json").unlink(missing_ok=True)
        raise
    return sha256
