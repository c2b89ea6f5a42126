"""Invalid data as one sentence: the file, the key, the value and what was expected."""

import re
import reprlib
from typing import Any

from pydantic import ValidationError

from workflow.storage.errors import InputError


class ConfigurationError(InputError):
    """A configuration, specification or record that cannot be used; the message names file, key and value."""


def sentence(error: ValidationError, value: Any, origin: str = "") -> str:
    """Return "origin: key: what is wrong with its value" for the first of pydantic's errors about `value`."""
    found = sorted(error.errors(include_url=False), key=lambda one: list(map(str, one["loc"])))
    first = found[0]
    expectation = re.sub(r"^\w+ (?=should)", "", first["msg"])
    if first["type"] in ("model_type", "dict_type"):
        expectation = "should be a mapping of keys to values"
    text = f"{reprlib.repr(first['input'])} {expectation}"
    if first["type"] == "value_error":  # raised by a validator of ours
        text = str(first["ctx"]["error"])
    elif first["type"] == "missing":
        place = first["loc"][:-1]
        names = [str(one["loc"][-1]) for one in found if one["type"] == "missing" and one["loc"][:-1] == place]
        text = f"missing {', '.join(names)}"
    return ": ".join(part for part in (origin, _path(first["loc"], value), text) if part)


def _path(location: tuple[int | str, ...], value: Any) -> str:
    """The keys of `location` that `value` really has; pydantic adds the names of types and of missing keys."""
    path = []
    for part in location:
        try:
            value = value[part]
        except (KeyError, IndexError, TypeError):
            continue
        path.append(str(part))
    return ".".join(path)
