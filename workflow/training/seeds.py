"""Seeds: one for each purpose of each run, so that no two runs of a grid share a stream of random numbers."""

import hashlib

AXES = ("initialisation", "order", "dropout")


def derive(run: str, axis: str) -> int:
    """The seed of one axis of the run whose folder is `run`: 63 bits of a hash of both."""
    return int.from_bytes(hashlib.sha256(f"{run}/{axis}".encode()).digest()[:8], "big") >> 1


def all_of(run: str) -> dict[str, int]:
    """The seeds that are recorded with the run."""
    return {axis: derive(run, axis) for axis in AXES}
