"""Compare speed with other implementations; writes results/benchmarks/speed.csv."""

import os
import sys
from typing import NoReturn

import typer


def split(words: list[str]) -> tuple[list[str], list[str]]:
    """Everything but a plain request for help goes to the benchmarks."""
    return [], words


def main(context: typer.Context) -> NoReturn:
    os.execv(sys.executable, [sys.executable, "-m", "benchmarks.speed", *context.obj])
