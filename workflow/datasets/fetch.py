"""Download a file from the first source that delivers it intact, resuming partial downloads.

RESOURCES/lock.json records, per URL, the checksum of the first download: mirrors may package the same clips
differently. A file with the published checksum is not downloaded again, even if its URL has changed. A partial
download is FILE.part; FILE.part.json holds its URL and version (ETag or Last-Modified).
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

from workflow.datasets.progress import bar
from workflow.datasets.source import Source
from workflow.storage import seal
from workflow.storage.errors import InputError, naming
from workflow.storage.files import read_json, require_free_space, write_json

ATTEMPTS = 5  # consecutive attempts at one URL without progress
CHUNK = 1 << 18
TIMEOUT = (20, 60)  # seconds: connect, read
RETRIED = (408, 416, 425, 429)  # of the HTTP statuses below 500; those above are retried, too


class DeadSourceError(Exception):
    """Give up on this source and try the next."""


def fetch(sources: Sequence[Source], resources: Path, key: str, insecure_tls: Collection[str] = ()) -> dict[str, Any]:
    """Download the file from the first source that works to resources/archives, unless it is already there.

    key: configuration key for the user's own copy, for the error message. insecure_tls: hosts whose certificates are
    not verified. Returns {"url", "file", "sha256", "bytes"}. Raises InputError, with all reasons, if all sources fail.
    """
    lock, archives = resources / "lock.json", resources / "archives"
    locked: dict[str, dict[str, Any]] = read_json(lock) if lock.is_file() else {}
    files = {s: archives / unquote(PurePosixPath(urlsplit(s.url).path).name) for s in sources}

    def found(source: Source, file: Path) -> dict[str, Any]:
        entry = {"file": file.name, "sha256": seal.digest(file), "bytes": file.stat().st_size}
        write_json(lock, {**locked, source.url: entry})
        return {"url": source.url, **entry, "file": str(file)}

    for source, file in files.items():
        first, stated = locked.get(source.url), source.md5 or source.sha256
        # a published checksum identifies the file, whatever its URL was
        known = [file] if first or stated else []
        known += [archives / entry["file"] for entry in locked.values() if stated]
        for kept in filter(Path.is_file, dict.fromkeys(known)):
            if not _difference(kept, source, first):
                return found(source, kept)
    whole = {entry["sha256"] for entry in locked.values()}
    for source, file in files.items():
        if source.url in locked and file.is_file() and seal.digest(file) not in whole:
            raise InputError(f"{file} is corrupt (its sha256 is not the one in {lock}). Delete it to download it again")
    reasons = []
    for source, file in files.items():
        try:
            _download_verified(source, file, locked.get(source.url), insecure_tls)
        except DeadSourceError as error:
            reasons.append(f"{source.url}: {error}")
            print(reasons[-1], file=sys.stderr)
            continue
        return found(source, file)
    raise InputError(
        f"{resources}: no source could be downloaded (tried {len(reasons)}). {' | '.join(reasons)}. "
        f"To use your own copy, set `{key}` in the configuration"
    )


def _download_verified(source: Source, file: Path, first: dict[str, Any] | None, insecure_tls: Collection[str]) -> None:
    """Download `source` to `file` and verify it. first: the entry of the first download in lock.json.

    Raises DeadSourceError for a web page, a checksum mismatch, or ATTEMPTS consecutive attempts without progress.
    """
    partial = file.with_name(file.name + ".part")
    partial.parent.mkdir(parents=True, exist_ok=True)
    _download(source.url, partial, insecure_tls)
    with partial.open("rb") as content:
        page = content.read(512).lstrip()[:1] in (b"", b"<")  # neither an archive nor a file of weights begins so
    web_page = "the server sent a web page, or nothing, instead of the file"
    reason = web_page if page else _difference(partial, source, first)
    partial.with_name(f"{partial.name}.json").unlink(missing_ok=True)
    if reason:
        partial.unlink()
        raise DeadSourceError(reason)
    partial.replace(file)


def _difference(file: Path, source: Source, first: dict[str, Any] | None) -> str:
    """Return how `file` differs from the checksums published for `source`, else from that of `first`; "" if equal."""
    stated = [(name, getattr(source, name), "published") for name in ("md5", "sha256") if getattr(source, name)]
    if first and not stated:
        stated = [("sha256", first["sha256"], "first downloaded (lock.json)")]
    for algorithm, expected, origin in stated:
        with file.open("rb") as content:
            now = hashlib.file_digest(content, algorithm).hexdigest()
        if not now.startswith(expected):
            return f"its {algorithm} is {now}; expected {expected}, as {origin}"
    return ""


def _download(url: str, partial: Path, insecure_tls: Collection[str]) -> None:
    """Download `url` to `partial`, resuming after errors. Raises DeadSourceError after ATTEMPTS without progress."""
    host = urlsplit(url).hostname
    verify = host not in insecure_tls
    if not verify:
        print(f"warning: the TLS certificate of {host} is not verified (`insecure_tls`)", file=sys.stderr)
        urllib3.disable_warnings()
    failures, largest = 0, -1
    while True:
        try:
            return _attempt(url, partial, verify)
        except requests.exceptions.SSLError as error:
            raise DeadSourceError(
                f"the certificate of {host} cannot be verified ({_reason(error)}); add this host to the data set's "
                "`insecure_tls` to skip this check: checksum and inventory still protect the data"
            ) from error
        except InputError:
            raise
        except (requests.exceptions.RequestException, urllib3.exceptions.HTTPError, ValueError) as error:
            # ValueError: a redirect to an invalid URL, a size that is not a number
            size = partial.stat().st_size if partial.is_file() else 0
            failures, largest = (0, size) if size > largest else (failures + 1, largest)
            if failures == ATTEMPTS:
                raise DeadSourceError(f"{_reason(error)} (tried {ATTEMPTS} times without progress)") from error
            print(f"{partial.stem}: {_reason(error)}; retrying", file=sys.stderr)
            sleep(min(2.0**failures, 30.0))


def _attempt(url: str, partial: Path, verify: bool) -> None:
    """Download `url` to `partial` or resume it. Raises DeadSourceError, or an error of requests or urllib3 to retry."""
    resume_info = partial.with_name(f"{partial.name}.json")
    known = read_json(resume_info) if resume_info.is_file() else {}
    start = partial.stat().st_size if partial.is_file() and known.get("url") == url else 0
    if start and start == known["total"]:
        return
    headers = {"Accept-Encoding": "identity"}
    if start:
        headers |= {"Range": f"bytes={start}-", "If-Range": known["version"]}  # a header that is None is not sent
    with requests.get(url, headers=headers, stream=True, timeout=TIMEOUT, verify=verify) as response:
        if response.status_code == 416 and start:  # there are no bytes after `start`
            raise _changed(partial)
        begin, total = _response_range(response, start)
        version: str | None = response.headers.get("ETag", "W/")
        if str(version).startswith("W/"):  # a weak ETag does not guarantee identical bytes
            version = response.headers.get("Last-Modified")
        now = {"url": url, "version": version, "total": total}
        if begin:  # the server may leave out what it said before, or ignore If-Range
            now = {name: value or known[name] for name, value in now.items()}
            if any(known[name] not in (None, value) for name, value in now.items()):
                raise _changed(partial)
        require_free_space(partial, (total or 0) - begin)
        if not begin:  # before its version is recorded: after a kill, no older byte may be taken for one of it
            partial.unlink(missing_ok=True)
        write_json(resume_info, now)
        progress = bar(partial.stem, total, "B", begin, unit_scale=True)
        with naming(partial), partial.open("ab") as file, progress:
            # read1 keeps every byte that arrived before a connection breaks; iter_content would drop the last chunk
            while chunk := response.raw.read1(CHUNK):
                file.write(chunk)
                progress.update(len(chunk))
    if total is not None and progress.n != total:
        raise requests.exceptions.ConnectionError(f"the connection ended after {progress.n} of {total} bytes")


def _changed(partial: Path) -> requests.exceptions.HTTPError:
    partial.unlink()
    return requests.exceptions.HTTPError("the file on the server has changed; starting again")


def _response_range(response: requests.Response, start: int) -> tuple[int, int | None]:
    """Return the offset of the first byte in `response` and the size of the whole file (None if unknown)."""
    status, headers = response.status_code, response.headers
    if status not in (200, 206):
        retried = status >= 500 or status in RETRIED
        raise (requests.exceptions.HTTPError if retried else DeadSourceError)(f"HTTP {status} {response.reason}")
    if status == 200:
        start, total = 0, headers.get("Content-Length", "")
    else:
        unit, _, total = headers.get("Content-Range", "").rpartition("/")
        if not unit.startswith(f"bytes {start}-"):
            raise DeadSourceError(f"requested bytes from {start}; the server sent {unit or 'no Content-Range'}")
    return start, int(total) if total.isdigit() else None


def _reason(error: BaseException) -> str:
    """Return the innermost cause; outer messages contain memory addresses of objects."""
    while cause := error.__cause__ or error.__context__:
        error = cause
    return str(error) or type(error).__name__
