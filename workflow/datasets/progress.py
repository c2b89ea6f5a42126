"""Progress: a bar on a terminal; in a log file, where a bar would be noise, a line for every tenth of the way."""

import sys
import time
from collections.abc import Callable

TENTHS = 10


class Lines:
    """Stands in for a tqdm bar where stderr is no terminal: `update`, `close`, and `n`, what is done."""

    def __init__(self, desc: str, total: int | None, unit: str, scale: float = 1.0, initial: int = 0) -> None:
        self.desc, self.total, self.unit, self.scale = desc, total, unit, scale
        self.n = self._initial = initial
        self._told = 0
        self._start = time.perf_counter()

    def update(self, more: int = 1) -> None:
        self.n += more
        tenth = TENTHS * self.n // self.total if self.total else 0
        if tenth > self._told:
            self._told = tenth
            rate = (self.n - self._initial) / max(time.perf_counter() - self._start, 1e-9)
            done, total, rate = (value / self.scale for value in (self.n, self.total, rate))
            print(f"{self.desc}: {done:.0f} of {total:.0f} {self.unit}, {rate:.1f} {self.unit}/s", file=sys.stderr)

    def close(self) -> None:
        """Nothing is left open."""


def bytes_bar(name: str) -> Callable[[int, int | None], None]:
    """A bar for `transfer`: called with bytes so far and bytes in all."""
    if sys.stderr.isatty():
        from tqdm import tqdm

        bar = tqdm(desc=name, unit="B", unit_scale=True, unit_divisor=1024)
    else:
        bar = Lines(name, None, "MB", scale=1e6)

    def update(done: int, total: int | None) -> None:
        bar.total = total
        bar.update(done - bar.n)
        if done == total:
            bar.close()

    return update


def clips_bar(name: str, total: int, done: int = 0):
    """A bar in clips and clips/s; `done` of them come from an earlier, interrupted run."""
    if not sys.stderr.isatty():
        return Lines(name, total, "clips", initial=done)
    from tqdm import tqdm

    return tqdm(desc=name, total=total, initial=done, unit="clips", smoothing=0.1)
