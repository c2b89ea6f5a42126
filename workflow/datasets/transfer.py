"""One file over HTTP or from file:, into `<target>.part`: resumed by byte range, known to be whole."""

import shutil
from collections.abc import Callable
from pathlib import Path
from urllib.parse import unquote, urlsplit

from workflow.datasets.errors import DataError
from workflow.datasets.files import read_json, write_json
from workflow.storage import seal

CHUNK = 1 << 18
TIMEOUT = (20, 60)  # seconds to connect, seconds without a byte
PERMANENT = (400, 401, 403, 404, 410, 451)

Progress = Callable[[int, int | None], None]  # bytes so far, bytes in all


class TransientError(Exception):
    """Worth another attempt at the same address."""


class DeadSourceError(Exception):
    """This address will not give the file; the next mirror may."""


def transfer(url: str, part: Path, verify: bool, progress: Progress) -> None:
    """Bring the file at `url` to `part`, going on where an earlier attempt at the same address stopped."""
    if urlsplit(url).scheme == "file":
        _copy(Path(unquote(urlsplit(url).path)), part, progress)
    else:
        _download(url, part, verify, progress)


def _copy(origin: Path, part: Path, progress: Progress) -> None:
    if not origin.is_file():
        raise DeadSourceError(f"{origin}: no such file")
    seal.require(origin.with_name(origin.name + ".json"), (origin.name,))
    need_space(part, origin.stat().st_size)
    shutil.copyfile(origin, part)
    progress(part.stat().st_size, part.stat().st_size)


def _download(url: str, part: Path, verify: bool, progress: Progress) -> None:
    import requests
    import urllib3

    notes = part.with_name(part.name + ".json")  # which address and version the bytes in `part` belong to
    known = read_json(notes) if notes.is_file() else {}
    start = part.stat().st_size if part.is_file() and known.get("url") == url else 0
    headers = {"Accept-Encoding": "identity"}
    if start:
        headers["Range"] = f"bytes={start}-"
        if known.get("version"):
            headers["If-Range"] = known["version"]
    try:
        with requests.get(url, headers=headers, stream=True, timeout=TIMEOUT, verify=verify) as answer:
            if answer.status_code == 416 and start:  # nothing after what we have, or another file by now
                if answer.headers.get("Content-Range", "").rpartition("/")[2] == str(start):
                    return
                part.unlink()
                raise TransientError("the file there has changed; starting again")
            _check_status(answer)
            start = start if answer.status_code == 206 else 0
            total = _total(answer, start)
            need_space(part, (total or 0) - start)
            version = answer.headers.get("ETag", "")
            # a weak tag promises equal meaning, not equal bytes
            version = answer.headers.get("Last-Modified") if version[:2] in ("", "W/") else version
            write_json(notes, {"url": url, "version": version})
            _receive(answer, part, start, total, progress)
    except requests.exceptions.SSLError as error:
        raise DeadSourceError(
            f"the certificate of {urlsplit(url).hostname} cannot be verified ({_reason(error)}); to accept "
            "it all the same, name this host in the data set's `insecure_tls`: checksum and inventory then "
            "guard the data"
        ) from error
    except requests.exceptions.InvalidURL as error:
        raise DeadSourceError(f"{url}: no valid address ({error})") from error
    except (requests.exceptions.RequestException, urllib3.exceptions.HTTPError) as error:
        raise TransientError(_reason(error)) from error


def _check_status(answer) -> None:
    status = answer.status_code
    if status in PERMANENT:
        raise DeadSourceError(f"HTTP {status} {answer.reason}")
    if status not in (200, 206):
        raise TransientError(f"HTTP {status} {answer.reason}")
    if answer.headers.get("Content-Type", "").split(";")[0].strip().lower() in (
        "text/html",
        "application/xhtml+xml",
    ):
        raise DeadSourceError(f"a web page came in place of the file (from {answer.url})")


def _total(answer, start: int) -> int | None:
    if answer.status_code == 206:
        unit, _, total = answer.headers.get("Content-Range", "").rpartition("/")
        if not unit.startswith(f"bytes {start}-"):
            raise DeadSourceError(f"asked for bytes from {start}, was sent {unit or 'others'}")
        return int(total) if total.isdigit() else None
    length = answer.headers.get("Content-Length", "")
    return int(length) if length.isdigit() else None


def _receive(answer, part: Path, start: int, total: int | None, progress: Progress) -> None:
    done = start
    with part.open("r+b" if start else "wb") as file:
        file.seek(start)
        progress(done, total)
        # what has arrived is kept also when the rest does not; iter_content would drop an unfinished chunk
        while chunk := answer.raw.read1(CHUNK):
            file.write(chunk)
            done += len(chunk)
            progress(done, total)
    if total is not None and done != total:
        raise TransientError(f"the connection ended after {done} of {total} bytes")


def need_space(path: Path, size: int) -> None:
    """Raise DataError if fewer than `size` bytes are free where `path` lies."""
    free = shutil.disk_usage(path.parent).free
    if size > free:
        raise DataError(f"{path.parent}: {size / 1e9:.2f} GB are needed and {free / 1e9:.2f} GB are free")


def _reason(error: Exception) -> str:
    """The innermost cause, without the addresses of objects that outer messages repeat."""
    while error.__cause__ or error.__context__:
        error = error.__cause__ or error.__context__
    return str(error) or type(error).__name__
