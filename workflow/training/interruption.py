"""SIGTERM and SIGINT ask a run to save and leave; the loop checks after every step. A second signal exits at once."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager

SIGNALS = (signal.SIGTERM, signal.SIGINT)


class Interruption:
    """`asked`: number of the signal that arrived, or None."""

    def __init__(self) -> None:
        self.asked: int | None = None

    def _note(self, number: int, frame: object) -> None:
        if self.asked is not None:
            raise SystemExit(128 + number)
        self.asked = number


@contextmanager
def watched(interruption: Interruption) -> Iterator[None]:
    """Record the two signals in `interruption` within the block."""
    before = {number: signal.signal(number, interruption._note) for number in SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
