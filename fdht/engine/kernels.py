"""Switches of the hand-written kernels, for tests and benchmarks. Torch-free.

A kernel computes what plain operations of torch compute, faster. `benchmarks/kernels.py` measures the gain of each.
"""

from collections.abc import Iterator
from contextlib import contextmanager

KERNELS = {
    "integers": "raw pixels are multiplied as bytes, see fdht.engine.cpu.integers",
    "columns": "sequences lie as columns where the last part of a split is thin, see fdht.engine.apply",
    "blocks_of_U": "a dense U is multiplied in blocks of rows, see fdht.engine.recurrence",
    "sweep_chunks": "a sweep is done in chunks of rows that stay in the cache, see fdht.engine.apply",
    "through_time": "the LSTM's backward pass is written by hand, see fdht.engine.through_time",
    "second_cut": "a split may have three parts, see fdht.engine.splits",
}
_off: set[str] = set()


def enabled(kernel: str) -> bool:
    """Whether `kernel`, a key of KERNELS, may be used."""
    return kernel not in _off


@contextmanager
def without(*kernels: str) -> Iterator[None]:
    """Switch kernels off within a `with` block. Raises ValueError for an unknown name."""
    for kernel in kernels:
        if kernel not in KERNELS:
            raise ValueError(f"kernel is {kernel!r}; expected some of {', '.join(KERNELS)}")
    added = {*kernels} - _off
    _off.update(added)
    try:
        yield
    finally:
        _off.difference_update(added)
