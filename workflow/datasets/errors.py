"""The one exception of this room, and how its command lines end when it is raised."""

import sys
from collections.abc import Callable, Sequence

from workflow.storage.seal import DamagedError


class DataError(Exception):
    """Data that cannot be used: one sentence that names the value, what was expected and the file."""


def command_line(step: Callable[[Sequence[str] | None], None]) -> None:
    """Run a step's main function; a DataError, a damaged file or a file system error: one line and exit code 1."""
    try:
        step(None)
    except (DataError, DamagedError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        raise SystemExit(1) from None
    except KeyboardInterrupt:
        print("interrupted; what was finished is kept and used by the next run", file=sys.stderr)
        raise SystemExit(130) from None
