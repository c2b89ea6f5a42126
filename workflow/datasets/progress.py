"""Progress bars: shown on a terminal, silent in a log file, where one line at the end says the same."""

from collections.abc import Callable


def bytes_bar(name: str) -> Callable[[int, int | None], None]:
    """A bar for `transfer`: called with bytes so far and bytes in all."""
    from tqdm import tqdm

    bar = tqdm(desc=name, unit="B", unit_scale=True, unit_divisor=1024, disable=None)

    def update(done: int, total: int | None) -> None:
        bar.total = total
        bar.update(done - bar.n)
        if done == total:
            bar.close()

    return update


def clips_bar(name: str, total: int, done: int = 0):
    """A tqdm bar in clips and clips/s; `done` of them come from an earlier, interrupted run."""
    from tqdm import tqdm

    return tqdm(desc=name, total=total, initial=done, unit="clips", disable=None, smoothing=0.1)
