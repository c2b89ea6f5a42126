"""The field types of configurations, specifications, records and the catalogue, and the errors about their values."""

import difflib
import re
import reprlib
from collections.abc import Callable, Iterable
from typing import Annotated, Any, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    WrapValidator,
    model_validator,
)

from workflow.storage.errors import InputError

# (kind of name, old word) -> new word
RENAMED = {
    ("key", "cnn"): "inception_v3",
    ("front end", "cnn"): "inception_v3",
    ("front end, data set or data set/front end", "cnn"): "inception_v3",
    ("key", "published"): "random",
    ("protocol", "published"): "random",
    ("init", "published"): "authors",
    ("recipe", "published"): "authors",
    ("status", "published"): "reported",
    ("metric", "total"): "weights",
    ("metric", "ratio_total"): "ratio_weights",
    ("column", "total"): "weights",
    ("column", "ratio_total"): "ratio_weights",
}


class Checked(BaseModel):
    """Data whose unknown keys are errors and whose values are not converted: "5", true, NaN are no numbers here."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, protected_namespaces=(), allow_inf_nan=False)

    @classmethod
    def parse(cls, plain: Any, origin: str = "") -> Self:
        """Return plain data as a checked model. Raise InputError, a sentence that begins with `origin`."""
        try:
            return cls.model_validate(plain)
        except ValidationError as error:
            raise InputError(sentence(error, plain, origin)) from None

    @model_validator(mode="before")
    @classmethod
    def _known_keys(cls, given: Any) -> Any:
        if isinstance(given, dict) and cls.model_config["extra"] == "forbid":
            check_names("key", given, [field.alias or name for name, field in cls.model_fields.items()])
        return given


def sentence(error: ValidationError, value: Any, origin: str = "") -> str:
    """Return "origin: key: what is wrong with its value" for the first of pydantic's errors about `value`."""
    found = sorted(error.errors(include_url=False), key=lambda one: list(map(str, one["loc"])))
    first = found[0]
    expectation = re.sub(r"^\w+ (?=should)", "", first["msg"])
    if first["type"] in ("model_type", "dict_type", "dataclass_type"):
        expectation = "should be a mapping of keys to values"
    text = f"{reprlib.repr(first['input'])} {expectation}"
    if first["type"] == "value_error":  # raised by a validator of ours
        text = str(first["ctx"]["error"])
    elif first["type"] == "unexpected_keyword_argument":  # of a dataclass
        text = "unknown key"
    elif first["type"] == "missing":
        place = first["loc"][:-1]
        names = [str(one["loc"][-1]) for one in found if one["type"] == "missing" and one["loc"][:-1] == place]
        text = f"missing {', '.join(names)}"
    return ": ".join(part for part in (origin, _path(first["loc"], value), text) if part)


def _path(location: tuple[int | str, ...], value: Any) -> str:
    """Return the keys of `location` that exist in `value`; pydantic adds names of types and of missing keys."""
    path = []
    for part in location:
        try:
            value = value[part]
        except (KeyError, IndexError, TypeError):
            continue
        path.append(str(part))
    return ".".join(path)


def check_names(kind: str, names: Iterable[object], known: Iterable[object]) -> None:
    """Raise ValueError for the first of `names` that is not in `known`. kind: its noun in the message."""
    known = list(known)
    for name in names:
        if name not in known:
            raise ValueError(unknown(kind, name, known))


def unknown(kind: str, word: object, known: Iterable[object]) -> str:
    """Return a sentence about an unknown name: its new name, the most similar known name, or all known names."""
    return f"unknown {kind} {word!r}; {did_you_mean(word, known, kind)}"


def did_you_mean(word: object, known: Iterable[object], kind: str = "") -> str:
    """Return the hint of such a sentence."""
    *place, name = str(word).split("/")
    if new := RENAMED.get((kind, name)):
        return f"it is called {'/'.join([*place, new])!r} now"
    names = [str(name) for name in known]
    near = difflib.get_close_matches(str(word), names, n=1)
    return f"did you mean {near[0]!r}?" if near else f"known: {', '.join(names)}"


def one_of(kind: str, known: Iterable[str]) -> Any:
    """Return the type of a name that must be one of `known`."""
    names = list(known)

    def check(name: str) -> str:
        check_names(kind, [name], names)
        return name

    schema: dict[str, Any] = {"enum": names}
    return Annotated[str, AfterValidator(check), Field(json_schema_extra=schema)]


def _as_given(value: Any, check: Callable[[Any], float]) -> Any:
    check(value)
    return value


def _distinct(values: list[Any]) -> list[Any]:
    for index, value in enumerate(values):
        if value in values[:index]:
            raise ValueError(f"{values} lists {value!r} twice")
    return values


def _undocumented(schema: dict[str, Any]) -> None:
    del schema["exclusiveMaximum"]


AS_GIVEN = WrapValidator(_as_given)  # validate without converting, so that 5 is not written back as 5.0
SMALL = Field(lt=2**63, json_schema_extra=_undocumented)  # numbers in tables have 64 bits
Whole = Annotated[int, Field(ge=0), SMALL]  # 0, 1, 2 ...
Count = Annotated[int, Field(ge=1), SMALL]  # 1, 2, 3 ...
Positive = Annotated[float, Field(gt=0), AS_GIVEN]
NotNegative = Annotated[float, Field(ge=0), AS_GIVEN]
Share = Annotated[float, Field(ge=0, le=1), AS_GIVEN]  # [0, 1]
Factor = Annotated[float, Field(gt=0, le=1), AS_GIVEN]  # (0, 1]
Rate = Annotated[float, Field(ge=0, lt=1), AS_GIVEN]  # [0, 1)
Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]*$")]
Identifier = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
EMPTY_IF_NONE = BeforeValidator(lambda value: {} if value is None else value)  # YAML's `demo:` is null
DISTINCT = [Field(min_length=1, json_schema_extra={"uniqueItems": True}), AfterValidator(_distinct)]
