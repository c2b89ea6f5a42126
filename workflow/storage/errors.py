"""The base class of errors that a user can repair."""

import errno
import tempfile


class InputError(ValueError):
    """One sentence: the value, what was expected, and the file or key. Commands print it and exit with status 1."""


def sentence(error: Exception) -> str:
    """Return the text to print for an error; for an OSError the file and the reason, without errno."""
    if isinstance(error, OSError) and error.filename and error.strerror:
        place = str(error.filename2 or error.filename)  # of a copy, the target
        full = error.errno == errno.ENOSPC and place.startswith(tempfile.gettempdir())
        return f"{place}: {error.strerror}" + "; make room, or set TMPDIR to a folder on another disk" * full
    return str(error)
