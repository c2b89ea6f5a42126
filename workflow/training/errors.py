"""How a run ends early: a failure that is recorded, or a signal."""

from collections.abc import Iterator
from contextlib import contextmanager


class RunFailure(Exception):
    """The run failed (NaN, a class without clips ...): recorded with status `failed`, the exit status is 0."""


class Interrupted(Exception):
    """SIGTERM or SIGINT arrived, and the state is saved. `signal` is its number."""

    def __init__(self, signal: int):
        super().__init__(f"signal {signal}")
        self.signal = signal


def out_of_memory(error: BaseException) -> bool:
    """True if memory ran out, a GPU's (torch's OutOfMemoryError, a RuntimeError) or the host's."""
    names = {kind.__name__ for kind in type(error).__mro__}
    return bool(names & {"OutOfMemoryError", "MemoryError"}) or "can't allocate memory" in str(error)


@contextmanager
def memory_failure(reason: str) -> Iterator[None]:
    """Raise RunFailure(reason) if memory runs out within the block."""
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        if not out_of_memory(error):
            raise
        raise RunFailure(reason) from error
