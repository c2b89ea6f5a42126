"""Messages of a run."""

import sys


def log(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
