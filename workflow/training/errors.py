"""The two ways a run ends early: its input cannot be used, or its mathematics went wrong."""


class InputError(Exception):
    """A missing file or a wrong specification: nothing is written, the exit code is 1."""


class RunFailure(Exception):
    """The experiment failed (NaN, a class without clips ...): recorded with status `failed`, exit code 0."""


class Interrupted(Exception):
    """SIGTERM or SIGINT arrived; the state has been saved. `signal` is its number."""

    def __init__(self, signal: int):
        super().__init__(f"signal {signal}")
        self.signal = signal


def out_of_memory(error: BaseException) -> bool:
    """Whether memory ran out: a GPU's (OutOfMemoryError, a RuntimeError of torch's) or the host's."""
    names = {kind.__name__ for kind in type(error).__mro__}
    return bool(names & {"OutOfMemoryError", "MemoryError"}) or "can't allocate memory" in str(error)
