"""Log messages, failed runs, and what to do when memory runs out."""

import sys
from collections.abc import Callable
from typing import TypeVar

from workflow.storage.errors import InputError
from workflow.storage.gpu import out_of_memory

Result = TypeVar("Result")


class RunFailure(InputError):
    """The run failed (NaN, a class without clips ...): its record has status `failed`; the exit status is 0.

    Commands that only time or score a model print it, as any InputError.
    """


def log(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def halving(work: Callable[[int], Result], clips: dict[str, int], doing: str, alone: bool) -> Result:
    """Return `work(clips[doing])`, that number halved until memory suffices. Raise RunFailure if one is too much.

    alone: whether no other run of this process takes memory; if one does, the error is raised instead.
    """
    while True:
        try:
            return work(clips[doing])
        except (MemoryError, RuntimeError) as error:
            if not (alone and out_of_memory(error)):
                raise
        if clips[doing] == 1:
            raise RunFailure(f"out of memory when {doing} a single clip; use fewer or smaller frames")
        clips[doing] = (clips[doing] + 1) // 2
        log(f"out of memory: {doing} {clips[doing]} clips at a time from now on")
