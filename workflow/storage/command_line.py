"""The command line of a step is the signature of its function, read by Typer.

def main(clips: Annotated[Path, typer.Option(help="clips.csv of the frames step")], seed: int = 0) -> None: ...

if __name__ == "__main__":
    command_line(main)
"""

import sys
from collections.abc import Callable, Sequence
from typing import Any

import typer

from workflow.storage.endings import quick_exit
from workflow.storage.errors import InputError, sentence


def call(
    step: Callable[..., object],
    arguments: Sequence[object] | None = None,
    standalone: bool = False,
    program: str | None = None,
    config: str = "",
    **settings: Any,
) -> Any:
    """Call `step` with the options in `arguments`, by default sys.argv; its errors propagate.

    program: its name in --help, which shows the docstring of its module. config: passed as the Click context's `obj`.
    settings: Click's context settings.
    """
    app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)
    settings |= {"help_option_names": ["-h", "--help"], "max_content_width": 110}
    app.command(help=sys.modules[step.__module__].__doc__, context_settings=settings)(step)
    words = None if arguments is None else [str(word) for word in arguments]
    return app(words, prog_name=program, standalone_mode=standalone, obj=config)


def command_line(step: Callable[..., object], arguments: Sequence[object] | None = None) -> None:
    """Run `step` and exit. An error that the user can repair is printed in one line; the exit status is then 1.

    Without `arguments`, as in a program, success ends the process at once.
    """
    try:
        call(step, arguments, standalone=True)
    except SystemExit as end:
        if arguments is None and not end.code:
            quick_exit(0)
        raise
    except BrokenPipeError:
        raise
    except (InputError, OSError) as error:
        print(f"error: {sentence(error)}", file=sys.stderr)
        raise SystemExit(1) from None
