"""Bring one file over HTTP or from a file: address to a `.part` file; resume by byte range, check that it is whole."""

import shutil
from collections.abc import Callable
from pathlib import Path
from urllib.parse import unquote, urlsplit

from workflow.datasets.errors import DataError
from workflow.storage import seal
from workflow.storage.files import read_json, write_json

CHUNK = 1 << 18
TIMEOUT = (20, 60)  # seconds to connect, seconds without a byte
PERMANENT = (400, 401, 403, 404, 410, 451)
WEB_PAGES = ("text/html", "application/xhtml+xml")

Progress = Callable[[int, int | None], None]  # bytes so far, bytes in all


class TransientError(Exception):
    """Worth another attempt at the same address."""


class DeadSourceError(Exception):
    """This address will not give the file; the next mirror may."""


def transfer(url: str, partial: Path, verify: bool, progress: Progress) -> None:
    """Bring the file at `url` to `partial`; resume if `partial` is from an earlier attempt at the same address.

    verify: check the certificate of the server. Raises TransientError or DeadSourceError.
    """
    if urlsplit(url).scheme == "file":
        _copy(Path(unquote(urlsplit(url).path)), partial, progress)
    else:
        _download(url, partial, verify, progress)


def _copy(origin: Path, partial: Path, progress: Progress) -> None:
    if not origin.is_file():
        raise DeadSourceError(f"{origin}: no such file")
    seal.require(origin.with_name(origin.name + ".json"), (origin.name,))
    size = origin.stat().st_size
    need_space(partial, size)
    shutil.copyfile(origin, partial)
    progress(size, size)


def notes_of(partial: Path) -> Path:
    """The file that names the address and version which the bytes in `partial` belong to."""
    return partial.with_name(partial.name + ".json")


def _download(url: str, partial: Path, verify: bool, progress: Progress) -> None:
    import requests
    import urllib3

    notes = notes_of(partial)
    known = read_json(notes) if notes.is_file() else {}
    start = partial.stat().st_size if partial.is_file() and known.get("url") == url else 0
    headers = {"Accept-Encoding": "identity"}
    if start:
        headers["Range"] = f"bytes={start}-"
        if known.get("version"):
            headers["If-Range"] = known["version"]
    try:
        with requests.get(url, headers=headers, stream=True, timeout=TIMEOUT, verify=verify) as answer:
            if answer.status_code == 416 and start:  # no bytes after `start`: it is whole, or the file has changed
                if answer.headers.get("Content-Range", "").rpartition("/")[2] == str(start):
                    return
                partial.unlink()
                raise TransientError("the file on the server has changed; starting again")
            _check_answer(answer)
            start = start if answer.status_code == 206 else 0
            total = _total(answer, start)
            need_space(partial, (total or 0) - start)
            version: str | None = answer.headers.get("ETag", "")
            if not version or version.startswith("W/"):  # a weak tag promises equal meaning, not equal bytes
                version = answer.headers.get("Last-Modified")
            write_json(notes, {"url": url, "version": version})
            _receive(answer, partial, start, total, progress)
    except requests.exceptions.SSLError as error:
        raise DeadSourceError(
            f"the certificate of {urlsplit(url).hostname} cannot be verified ({_reason(error)}); for a data set, name "
            "this host in its `insecure_tls` to accept it anyway: checksum and inventory then protect the data"
        ) from error
    except requests.exceptions.InvalidURL as error:
        raise DeadSourceError(f"{url}: not a valid address ({error})") from error
    except (requests.exceptions.RequestException, urllib3.exceptions.HTTPError) as error:
        raise TransientError(_reason(error)) from error


def _check_answer(answer) -> None:
    status = answer.status_code
    if status in PERMANENT:
        raise DeadSourceError(f"HTTP {status} {answer.reason}")
    if status not in (200, 206):
        raise TransientError(f"HTTP {status} {answer.reason}")
    if answer.headers.get("Content-Type", "").split(";")[0].strip().lower() in WEB_PAGES:
        raise DeadSourceError(f"the server sent a web page instead of the file (from {answer.url})")


def _total(answer, start: int) -> int | None:
    """Bytes of the whole file, if the server states them."""
    if answer.status_code == 206:
        unit, _, total = answer.headers.get("Content-Range", "").rpartition("/")
        if not unit.startswith(f"bytes {start}-"):
            raise DeadSourceError(f"asked for bytes from {start}, received {unit or 'others'}")
        return int(total) if total.isdigit() else None
    length = answer.headers.get("Content-Length", "")
    return int(length) if length.isdigit() else None


def _receive(answer, partial: Path, start: int, total: int | None, progress: Progress) -> None:
    done = start
    with partial.open("r+b" if start else "wb") as file:
        file.seek(start)
        progress(done, total)
        # read1 keeps every byte that arrived before a connection breaks; iter_content would drop an unfinished chunk
        while chunk := answer.raw.read1(CHUNK):
            file.write(chunk)
            done += len(chunk)
            progress(done, total)
    if total is not None and done != total:
        raise TransientError(f"the connection ended after {done} of {total} bytes")


def need_space(path: Path, size: int) -> None:
    """Raise DataError if fewer than `size` bytes are free on the disk of `path`."""
    free = shutil.disk_usage(path.parent).free
    if size > free:
        raise DataError(f"{path.parent}: {size / 1e9:.2f} GB are needed and {free / 1e9:.2f} GB are free")


def _reason(error: BaseException) -> str:
    """The innermost cause, without the object addresses that outer messages contain."""
    while cause := error.__cause__ or error.__context__:
        error = cause
    return str(error) or type(error).__name__
