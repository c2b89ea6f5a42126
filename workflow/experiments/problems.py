"""Invalid data as one sentence: the file, the key, the value and what was expected."""

import re
import reprlib
from typing import Any

from pydantic import BaseModel, TypeAdapter, ValidationError

from workflow.storage.errors import InputError


class ConfigurationError(InputError):
    """A configuration, specification or record that cannot be used; the message names file, key and value."""


def checked(kind: type[BaseModel] | TypeAdapter, value: Any, origin: str) -> Any:
    """Return `value` as an object of `kind`. Raise ConfigurationError, beginning with `origin`, if it does not fit."""
    try:
        return kind.validate_python(value) if isinstance(kind, TypeAdapter) else kind.model_validate(value)
    except ValidationError as error:
        raise ConfigurationError(": ".join([*[origin] * bool(origin), sentence(error, value)])) from None


def sentence(error: ValidationError, value: Any) -> str:
    """Return "key: what is wrong with its value" for the first of pydantic's errors about `value`."""
    found = sorted(error.errors(include_url=False, include_context=False), key=lambda one: list(map(str, one["loc"])))
    first = found[0]
    path = _path(first["loc"], value)
    if first["type"] == "missing":
        absent = [
            str(one["loc"][-1]) for one in found if one["type"] == "missing" and one["loc"][:-1] == first["loc"][:-1]
        ]
        return ": ".join([*[".".join(path)] * bool(path), f"missing {', '.join(absent)}"])
    text = first["msg"] if first["type"] == "unknown" else f"{reprlib.repr(first['input'])} {_predicate(first)}"
    return ": ".join([*[".".join(path)] * bool(path), text])


def _predicate(error: Any) -> str:
    if error["type"] in ("model_type", "dict_type", "dataclass_type"):
        return "should be a mapping of keys to values"
    return re.sub(r"^\w+ (?=should)", "", error["msg"])


def _path(location: tuple[int | str, ...], value: Any) -> list[str]:
    """The keys of `location` that `value` really has; pydantic adds the names of types and of missing keys."""
    path = []
    for part in location:
        try:
            value = value[part]
        except (KeyError, IndexError, TypeError):
            continue
        path.append(str(part))
    return path
