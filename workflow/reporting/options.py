"""The options that the commands for tables, figures, report and article share."""

from pathlib import Path
from typing import Annotated

import typer

Records = Annotated[Path, typer.Option("--from", metavar="DIR", help="Folder that holds records.")]
Config = Annotated[
    Path | None, typer.Option(metavar="FILE", help="Configuration whose runs are expected (DIR/config.yaml).")
]
Layout = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE", help="What is printed, and how; overrides paper/layout.yaml, which explains the keys."
    ),
]
Reported = Annotated[
    Path | None, typer.Option(metavar="FILE", help="Reported numbers to compare with, in place of paper/reported.csv.")
]
