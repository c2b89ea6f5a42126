"""Command-line options that the benchmarks share."""

from pathlib import Path
from typing import Annotated

from typer import Option

Output = Annotated[Path, Option(help="CSV file")]
Repetitions = Annotated[int, Option(min=1, help="measured calls of each implementation")]
