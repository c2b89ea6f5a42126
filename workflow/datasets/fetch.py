"""Fetch one file from the first of its sources that gives the right bytes; resume by byte range.

RESOURCES/lock.json has the checksum of every file when it was first downloaded, by address: mirrors may pack the same
clips differently. Bytes that have arrived are kept in FILE.part, their address and version in FILE.part.json.
"""

import hashlib
import sys
from collections.abc import Collection, Sequence
from pathlib import Path, PurePosixPath
from time import sleep
from typing import Any
from urllib.parse import unquote, urlsplit

import requests
import urllib3

from workflow.datasets.catalogue import Source
from workflow.datasets.progress import bar
from workflow.storage import seal
from workflow.storage.errors import InputError
from workflow.storage.files import need_space, read_json, write_json

ATTEMPTS = 5  # at one address without a new byte
CHUNK = 1 << 18
TIMEOUT = (20, 60)  # seconds to connect, seconds without a byte
PERMANENT = (400, 401, 403, 404, 410, 451)
WEB_PAGES = ("text/html", "application/xhtml+xml")


class TransientError(Exception):
    """Worth another attempt at the same address."""


class DeadSourceError(Exception):
    """This source will not give the file; the next one may."""


def fetch(sources: Sequence[Source], resources: Path, key: str, insecure_tls: Collection[str] = ()) -> dict[str, Any]:
    """Bring the file of the first source that works into resources/archives, or find it there from an earlier run.

    key: the configuration's key for the user's own copy, named in errors. insecure_tls: hosts whose certificate is not
    verified. Returns {"url", "file", "sha256", "bytes"}. Raises InputError with the reason of every source if none
    gives the file.
    """
    lock = resources / "lock.json"
    locked: dict[str, dict[str, Any]] = read_json(lock) if lock.is_file() else {}
    files = [resources / "archives" / unquote(PurePosixPath(urlsplit(s.url).path).name) for s in sources]
    changed = []
    for source, file in zip(sources, files, strict=True):
        if source.url in locked and file.is_file():
            entry = locked[source.url]
            if seal.digest(file) == entry["sha256"]:
                return {"url": source.url, **entry, "file": str(file)}
            changed.append(file)  # an error, unless a later mirror gave another file of this name
    if changed:
        raise InputError(f"{changed[0]}: its sha256 is not the one in {lock}; remove the file to download it again")
    reasons = []
    for source, file in zip(sources, files, strict=True):
        try:
            entry = _from(source, file, locked.get(source.url), insecure_tls)
        except DeadSourceError as error:
            reasons.append(f"{source.url}: {error}")
            print(reasons[-1], file=sys.stderr)
            continue
        write_json(lock, {**locked, source.url: entry})
        return {"url": source.url, **entry, "file": str(file)}
    raise InputError(
        f"{resources}: no source could be downloaded (tried {len(reasons)}). {' | '.join(reasons)} | "
        f"To use a copy of your own, set `{key}`"
    )


def _from(source: Source, file: Path, first: dict[str, Any] | None, insecure_tls: Collection[str]) -> dict[str, Any]:
    """Download one source to `file` and verify it; its entry of lock.json, which must equal `first` if there is one.

    Raises DeadSourceError for a web page, another checksum than expected, or ATTEMPTS attempts without a new byte.
    """
    partial = file.with_name(file.name + ".part")
    partial.parent.mkdir(parents=True, exist_ok=True)
    _download(source.url, partial, insecure_tls)
    sha256 = seal.digest(partial)
    reason = ""
    with partial.open("rb") as content:
        if content.read(512).lstrip().lower().startswith((b"<!doctype html", b"<html")):
            reason = "the server sent a web page instead of the file"
        for algorithm, stated in (("md5", source.md5), ("sha256", source.sha256)):
            content.seek(0)
            if stated and not (found := hashlib.file_digest(content, algorithm).hexdigest()).startswith(stated):
                reason = reason or f"its {algorithm} is {found}; its publisher states {stated}"
    if first and first["sha256"] != sha256:
        reason = reason or f"its sha256 is {sha256}, at the first download it was {first['sha256']} (lock.json)"
    partial.with_name(f"{partial.name}.json").unlink(missing_ok=True)
    if reason:
        partial.unlink()
        raise DeadSourceError(reason)
    partial.replace(file)
    return {"file": file.name, "sha256": sha256, "bytes": file.stat().st_size}


def _download(url: str, partial: Path, insecure_tls: Collection[str]) -> None:
    host = urlsplit(url).hostname
    verify = host not in insecure_tls
    if not verify:
        print(f"warning: not verifying the certificate of {host}, as `insecure_tls` asks", file=sys.stderr)
        urllib3.disable_warnings()
    failures, reached = 0, -1
    while True:
        try:
            return _attempt(url, partial, verify)
        except TransientError as error:
            size = partial.stat().st_size if partial.is_file() else 0
            failures, reached = (0, size) if size > reached else (failures + 1, reached)
            if failures == ATTEMPTS:
                raise DeadSourceError(f"{error} (tried {ATTEMPTS} times without progress)") from error
            print(f"{partial.stem}: {error}; retrying", file=sys.stderr)
            sleep(min(2.0**failures, 30.0))


def _attempt(url: str, partial: Path, verify: bool) -> None:
    """Download to `partial`, or the rest of it; raises TransientError or DeadSourceError."""
    notes = partial.with_name(f"{partial.name}.json")
    known = read_json(notes) if notes.is_file() else {}
    start = partial.stat().st_size if partial.is_file() and known.get("url") == url else 0
    if start and start == known.get("total"):
        return
    headers = {"Accept-Encoding": "identity"}
    if start:
        headers["Range"] = f"bytes={start}-"
        if known["version"]:
            headers["If-Range"] = known["version"]
    try:
        with requests.get(url, headers=headers, stream=True, timeout=TIMEOUT, verify=verify) as answer:
            if answer.status_code == 416 and start:  # there are no bytes after `start`
                partial.unlink()
                raise TransientError("the file on the server has changed; starting again")
            start, total = _range(answer, start)
            need_space(partial, (total or 0) - start)
            version: str | None = answer.headers.get("ETag", "W/")
            if str(version).startswith("W/"):  # a weak tag promises equal meaning, not equal bytes
                version = answer.headers.get("Last-Modified")
            write_json(notes, {"url": url, "version": version, "total": total})
            _receive(answer, partial, start, total)
    except requests.exceptions.SSLError as error:
        raise DeadSourceError(
            f"the certificate of {urlsplit(url).hostname} cannot be verified ({_reason(error)}); for a data set, name "
            "this host in its `insecure_tls` to accept it anyway: checksum and inventory then protect the data"
        ) from error
    except (requests.exceptions.RequestException, urllib3.exceptions.HTTPError) as error:
        raise TransientError(_reason(error)) from error


def _range(answer: Any, start: int) -> tuple[int, int | None]:
    """Offset of the first byte that the server sends, and the bytes of the whole file if it states them."""
    status, headers = answer.status_code, answer.headers
    if status in PERMANENT:
        raise DeadSourceError(f"HTTP {status} {answer.reason}")
    if status not in (200, 206):
        raise TransientError(f"HTTP {status} {answer.reason}")
    if headers.get("Content-Type", "").split(";")[0].strip().lower() in WEB_PAGES:
        raise DeadSourceError(f"the server sent a web page instead of the file (from {answer.url})")
    if status == 200:
        start, total = 0, headers.get("Content-Length", "")
    else:
        unit, _, total = headers.get("Content-Range", "").rpartition("/")
        if not unit.startswith(f"bytes {start}-"):
            raise DeadSourceError(f"asked for bytes from {start}, received {unit or 'others'}")
    return start, int(total) if total.isdigit() else None


def _receive(answer: Any, partial: Path, start: int, total: int | None) -> None:
    progress = bar(partial.stem, total, "B", start, unit_scale=True)
    with partial.open("r+b" if start else "wb") as file, progress:
        file.seek(start)
        # read1 keeps every byte that arrived before a connection breaks; iter_content would drop an unfinished chunk
        while chunk := answer.raw.read1(CHUNK):
            file.write(chunk)
            progress.update(len(chunk))
    if total is not None and progress.n != total:
        raise TransientError(f"the connection ended after {progress.n} of {total} bytes")


def _reason(error: BaseException) -> str:
    """The innermost cause, without the object addresses that outer messages contain."""
    while cause := error.__cause__ or error.__context__:
        error = cause
    return str(error) or type(error).__name__
