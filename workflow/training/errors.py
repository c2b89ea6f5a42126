"""Log messages, failed runs, and what to do when memory runs out."""

import sys
from collections.abc import Callable
from typing import TypeVar

Result = TypeVar("Result")


class RunFailure(Exception):
    """The run failed (NaN, a class without clips ...): its record has status `failed`; the exit status is 0."""


def log(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def halving(work: Callable[[int], Result], size: int, doing: str) -> tuple[Result, int]:
    """Return `work(size)` and size, halved until memory suffices. Raise RunFailure if one clip is too much."""
    while True:
        try:
            return work(size), size
        except (MemoryError, RuntimeError) as error:
            if not out_of_memory(error):
                raise
        if size == 1:
            raise RunFailure(f"out of memory when {doing} a single clip; use fewer or smaller frames")
        size = (size + 1) // 2
        log(f"out of memory: {doing} {size} clips at a time from now on")


def out_of_memory(error: BaseException) -> bool:
    """Return whether memory ran out, on the GPU (torch's OutOfMemoryError, a RuntimeError) or the host."""
    names = {kind.__name__ for kind in type(error).__mro__}
    return bool(names & {"OutOfMemoryError", "MemoryError"}) or "can't allocate memory" in str(error)
