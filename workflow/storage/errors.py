"""The base of the errors that a user can repair."""


class InputError(ValueError):
    """One sentence that names the value, the expectation and the file or key. A command prints it and exits with 1."""
