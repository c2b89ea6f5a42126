"""The base class of errors that a user can repair."""


class InputError(ValueError):
    """One sentence: the value, what was expected, and the file or key. Commands print it and exit with status 1."""


def sentence(error: Exception) -> str:
    """Return the text to print for an error; for an OSError the file and the reason, without errno."""
    if isinstance(error, OSError) and error.filename and error.strerror:
        return f"{error.filename}: {error.strerror}"
    return str(error)
