"""SIGTERM and SIGINT ask a run to save and leave; the loop looks after every step. A second one leaves at once."""

import signal
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
def watched():
    """Within the block the two signals are noted in the Interruption that it yields."""
    noted = Interruption()
    before = {number: signal.signal(number, noted._note) for number in SIGNALS}
    try:
        yield noted
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
