"""The base of the errors that a user can repair."""


class InputError(ValueError):
    """One sentence that names the value, the expectation and the file or key. A command prints it and exits with 1."""


def sentence(error: Exception) -> str:
    """Return what to print about an error: for one of the system, the file and the reason, without its number."""
    if isinstance(error, OSError) and error.filename and error.strerror:
        return f"{error.filename}: {error.strerror}"
    return str(error)
