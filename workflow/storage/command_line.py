"""The command line of a step is the signature of its function, read by Typer.

def main(clips: Annotated[Path, typer.Option(help="clips.csv of the frames step")], seed: int = 0) -> None: ...

if __name__ == "__main__":
    command_line(main)
"""

import sys
from collections.abc import Callable, Sequence

import typer

from workflow.storage.errors import InputError


def call(step: Callable[..., object], arguments: Sequence[object] | None = None, standalone: bool = False) -> None:
    """Call `step` with the options in `arguments`, by default those of the process; its errors propagate."""
    app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)
    description = sys.modules[step.__module__].__doc__ or ""
    app.command(help=description.partition("\n")[0])(step)
    app(None if arguments is None else [str(word) for word in arguments], standalone_mode=standalone)


def command_line(step: Callable[..., object]) -> None:
    """Run `step` as this process. Print an error that the user can repair in one line and exit with status 1."""
    try:
        call(step, standalone=True)
    except (InputError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        raise SystemExit(1) from None
