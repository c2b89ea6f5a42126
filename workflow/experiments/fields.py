"""The types that the fields of configurations, specifications and records are made of."""

from collections.abc import Callable, Iterable
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, WrapValidator, model_validator
from pydantic_core import PydanticCustomError

from workflow.experiments import words


class Checked(BaseModel):
    """Data whose unknown keys are errors and whose values are not converted: "5" is no number, true is not 1."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, protected_namespaces=())

    @model_validator(mode="before")
    @classmethod
    def _known_keys(cls, given: Any) -> Any:
        if isinstance(given, dict) and (known := cls.known_keys()):
            check_names("key", given, known)
        return given

    @classmethod
    def known_keys(cls) -> list[str]:
        """Every key there is; empty where any key may be given."""
        forbidden = cls.model_config.get("extra") == "forbid"
        return [field.alias or name for name, field in cls.model_fields.items()] if forbidden else []


def check_names(kind: str, names: Iterable[object], known: Iterable[object]) -> None:
    """Raise pydantic's error for the first of `names` that is not known."""
    known = list(known)
    for name in names:
        if name not in known:
            raise PydanticCustomError("unknown", "{sentence}", {"sentence": words.unknown(kind, name, known)})


def one_of(kind: str, known: Iterable[str]) -> Any:
    """The type of a name out of `known`."""
    names = list(known)
    schema: dict[str, Any] = {"enum": names}

    def check(name: str) -> str:
        check_names(kind, [name], names)
        return name

    return Annotated[str, AfterValidator(check), Field(json_schema_extra=schema)]


def _as_given(value: Any, check: Callable[[Any], float]) -> Any:
    check(value)
    return value


def _distinct(values: list[Any]) -> list[Any]:
    for index, value in enumerate(values):
        if value in values[:index]:
            raise PydanticCustomError("distinct", "lists {value} twice", {"value": repr(value)})
    return values


AS_GIVEN = WrapValidator(_as_given)  # the number 5 stays 5 and does not become 5.0 in files
Whole = Annotated[int, Field(strict=True, ge=0)]
Count = Annotated[int, Field(strict=True, ge=1)]
Positive = Annotated[float, Field(strict=True, gt=0), AS_GIVEN]
NotNegative = Annotated[float, Field(strict=True, ge=0), AS_GIVEN]
Share = Annotated[float, Field(strict=True, ge=0, le=1), AS_GIVEN]
Factor = Annotated[float, Field(strict=True, gt=0, le=1), AS_GIVEN]
Rate = Annotated[float, Field(strict=True, ge=0, lt=1), AS_GIVEN]
Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]*$")]
Identifier = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
EMPTY_IF_NONE = BeforeValidator(lambda value: {} if value is None else value)  # YAML's `demo:` is null
DISTINCT = [Field(min_length=1, json_schema_extra={"uniqueItems": True}), AfterValidator(_distinct)]
