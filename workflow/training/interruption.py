"""SIGTERM and SIGINT ask a run to save and exit; the loop checks after every step.

Slurm sends SIGTERM twice within milliseconds when a job's time limit is reached, so a second SIGTERM changes nothing.
A second SIGINT, from an impatient user, exits at once.
"""

import signal
from collections.abc import Iterator
from contextlib import contextmanager

SIGNALS = (signal.SIGTERM, signal.SIGINT)


class Interruption:
    """`asked`: number of the first signal that arrived, or None. `worth_saving`: whether the run has something to save;
    until then any signal exits at once."""

    def __init__(self) -> None:
        self.asked: int | None = None
        self.worth_saving = False

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Record the two signals within the block."""
        before = {number: signal.signal(number, self._note) for number in SIGNALS}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _note(self, number: int, frame: object) -> None:
        if not self.worth_saving or number == self.asked == signal.SIGINT:
            raise SystemExit(128 + number)
        self.asked = self.asked or number
