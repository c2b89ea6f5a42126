"""Progress: a bar on a terminal, one line per tenth of the work in a log file."""

import sys
from typing import Any

from tqdm import tqdm


class _Lines(tqdm):
    """tqdm for a file that is not a terminal."""

    monitor_interval = 0  # no background thread that redraws bars

    def display(self, msg: str | None = None, pos: int | None = None) -> bool:
        if self.n > self.last_print_n:  # not at the start; at the end, if the last line was before it
            print(self, file=sys.stderr)
        return False


def bar(name: str, total: int | None, unit: str, done: int = 0, **options: Any) -> tqdm:
    """Return a tqdm bar over `total` units, of which an interrupted earlier run finished `done`. options: tqdm's."""
    options |= {"desc": name, "total": total, "initial": done, "unit": unit}
    if sys.stderr.isatty():
        return tqdm(**options)
    tenth = max(total // 10, 1) if total else sys.maxsize
    text = "{desc}: {n_fmt} of {total_fmt}{unit}, {rate_fmt}{postfix}"
    return _Lines(**options, bar_format=text, leave=False, mininterval=0, miniters=tenth)
