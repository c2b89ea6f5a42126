"""Progress: a bar on a terminal, one line per tenth of the work in a log file."""

import sys
import time
from collections.abc import Callable
from typing import Any

TENTHS = 10


class Lines:
    """Replaces a tqdm bar if stderr is not a terminal: `update`, `close`, and `n`, the amount done."""

    def __init__(self, desc: str, total: int | None, unit: str, scale: float = 1.0, initial: int = 0) -> None:
        self.desc, self.total, self.unit, self.scale = desc, total, unit, scale
        self.n = self._initial = initial
        self._printed = 0
        self._start = time.perf_counter()

    def update(self, more: int = 1) -> None:
        self.n += more
        if not self.total or (tenth := TENTHS * self.n // self.total) <= self._printed:
            return
        self._printed = tenth
        done, total, unit = self.n / self.scale, self.total / self.scale, self.unit
        rate = (self.n - self._initial) / self.scale / max(time.perf_counter() - self._start, 1e-9)
        print(f"{self.desc}: {done:.0f} of {total:.0f} {unit}, {rate:.1f} {unit}/s", file=sys.stderr)

    def close(self) -> None:
        """Nothing to close."""


def bytes_bar(name: str) -> Callable[[int, int | None], None]:
    """A bar for `transfer`, which calls it with the bytes so far and the bytes in all."""
    bar: Any = Lines(name, None, "MB", scale=1e6)
    if sys.stderr.isatty():
        from tqdm import tqdm

        bar = tqdm(desc=name, unit="B", unit_scale=True, unit_divisor=1024)

    def update(done: int, total: int | None) -> None:
        bar.total = total
        bar.update(done - bar.n)
        if done == total:
            bar.close()

    return update


def clips_bar(name: str, total: int, done: int = 0) -> Any:
    """A bar in clips and clips/s; an earlier, interrupted run did `done` of them."""
    if not sys.stderr.isatty():
        return Lines(name, total, "clips", initial=done)
    from tqdm import tqdm

    return tqdm(desc=name, total=total, initial=done, unit="clips", smoothing=0.1)
