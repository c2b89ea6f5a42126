"""How a program ends: at once and without a traceback; that of a crash goes into a file."""

import atexit
import os
import select
import signal
import sys
import tempfile
import traceback
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import NoReturn

from workflow.storage.errors import InputError

CRASHES = Path(__file__).resolve().parents[2] / "results" / "crashes"


def end(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """Report an exception that nothing has caught; serves as sys.excepthook."""
    if issubclass(kind, BrokenPipeError) and reader_left():
        leave()
    elif issubclass(kind, KeyboardInterrupt):
        print("interrupted; start again to continue", file=sys.stderr)
    elif isinstance(error, InputError):  # of an import: a file that the user has added
        print(f"error: {error}", file=sys.stderr)
    else:
        print(crash(error, "".join(traceback.format_exception(kind, error, trace))), file=sys.stderr)


def quick_exit(status: int) -> NoReturn:
    """Run the functions of atexit, write what is buffered, and exit; raise as `flush` does if it cannot be written.

    Freeing every object would take a third of a second once torch or pandas has been imported.
    """
    atexit._run_exitfuncs()
    flush()
    with suppress(AttributeError, OSError):  # the user has closed it, or the disk is full
        sys.stderr.flush()
    os._exit(status)


def leave() -> None:
    """End as other programs do when the reader of their pipe has left: by SIGPIPE, without further output."""
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    os.kill(os.getpid(), signal.SIGPIPE)


def reader_left() -> bool:
    """Return whether the other end of standard output or standard error is closed."""
    poll = select.poll()
    for stream in (1, 2):
        poll.register(stream, 0)
    return any(event & (select.POLLERR | select.POLLHUP) for _, event in poll.poll(0))


def flush(text: str = "") -> None:
    """Write `text` and what is buffered to standard output. If that fails, end with one line, unless nobody reads."""
    try:
        print(text, end="", flush=True)
    except BrokenPipeError:
        raise
    except OSError as error:
        print(f"reproduce: standard output: {error.strerror}", file=sys.stderr)
        silence()
        raise SystemExit(1) from None


def silence() -> None:
    """Drop all further output, also what is buffered."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in (1, 2):
        os.dup2(nowhere, stream)


def crash(error: BaseException, text: str) -> str:
    """Write the traceback `text` to a file; return the line to print."""
    name = f"{datetime.now():%Y%m%d-%H%M%S}-{os.getpid()}.log"
    reason = str(error).partition("\n")[0]
    line = f"error: unexpected {type(error).__name__}: {reason}; "
    for folder in (CRASHES, Path(tempfile.gettempdir())):
        with suppress(OSError):
            folder.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(f"{' '.join(sys.argv)}\n{text}", encoding="utf-8", errors="backslashreplace")
            return f"{line}the full log is {folder / name}; please report it as CONTRIBUTING.md describes"
    return f"{line}no log could be written:\n{text}"
