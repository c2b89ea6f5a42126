"""The specification of a run: read, checked against the schema of the configuration, frozen."""

import json
from dataclasses import dataclass, fields
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import yaml

from workflow.training.errors import InputError

SCHEMAS = Path(__file__).resolve().parents[1] / "schemas"
# (x - 128) / 128, and x - 128 as the published code feeds it: scale and shift of x * scale + shift
PIXELS = {"unit": (1 / 128, -1.0), "raw": (1.0, -128.0)}
IDENTITY = {"dataset": str, "front_end": str, "model": str, "protocol": str, "fold": int, "seed": int}
KIND = {"family": str, "recipe": str}


@dataclass(frozen=True)
class Settings:
    """How a model is trained; meanings and ranges are in schemas/config.schema.yaml, `training`."""

    epochs: int
    batch_size: int
    optimizer: str
    learning_rate: float
    weight_decay: float
    classifier_weight_decay: float
    gradient_norm: float | None
    schedule: str
    milestones: tuple[int, ...]
    decay: float
    dropout_input: float
    dropout_recurrent: float
    patience: int | None
    normalisation: str
    precision: str
    device: str


@dataclass(frozen=True)
class Specification:
    """Everything that determines a run. `recurrent`: the arguments of baselines.build, `format` among them."""

    dataset: str
    front_end: str
    model: str
    protocol: str
    fold: int
    seed: int
    family: str
    recipe: str
    recurrent: dict[str, Any]
    training: Settings
    plain: dict[str, Any]  # as it was given, for specification.yaml

    @property
    def identity(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in {**IDENTITY, **KIND}}

    @property
    def name(self) -> str:
        """The run's folder below runs/: unique in a grid."""
        return f"{self.dataset}/{self.front_end}/{self.model}/{self.protocol}/fold{self.fold}/seed{self.seed}"


def read(text_or_path: str) -> Specification:
    """A specification from JSON text, or from a JSON or YAML file. InputError names what is wrong."""
    if text_or_path.lstrip().startswith("{"):
        origin, text = "--specification", text_or_path
    else:
        origin = text_or_path
        try:
            text = Path(text_or_path).read_text()
        except OSError as error:
            raise InputError(f"{origin}: cannot be read: {error.strerror}") from None
        except UnicodeDecodeError as error:
            raise InputError(f"{origin}: neither JSON nor YAML: {error}") from None
    try:
        plain = json.loads(text) if text.lstrip().startswith("{") else yaml.safe_load(text)
    except (json.JSONDecodeError, yaml.YAMLError) as error:
        raise InputError(f"{origin}: neither JSON nor YAML: {error}") from None
    return parse(plain, origin)


def parse(plain: Any, origin: str = "specification") -> Specification:
    """Check plain data; `origin` begins every error."""
    if not isinstance(plain, dict):
        raise InputError(f"{origin}: {type(plain).__name__} found where a mapping was expected")
    expected = {*IDENTITY, *KIND, "recurrent", "training"}
    for name in sorted(expected ^ plain.keys()):
        problem = "is missing" if name in expected else f"is unknown; expected {', '.join(sorted(expected))}"
        raise InputError(f"{origin}: key {name!r} {problem}")
    for name, kind in {**IDENTITY, **KIND}.items():
        if not isinstance(plain[name], kind) or isinstance(plain[name], bool):
            raise InputError(f"{origin}: {name} is {plain[name]!r}, expected {kind.__name__}")
    recurrent = plain["recurrent"]
    for name, kind in {"format": str, "input_size": int}.items():
        if not isinstance(recurrent, dict) or not isinstance(recurrent.get(name), kind):
            raise InputError(f"{origin}: recurrent.{name} must be given as {kind.__name__}")
    identity = {name: plain[name] for name in {**IDENTITY, **KIND}}
    return Specification(**identity, recurrent=recurrent, training=_settings(plain["training"], origin), plain=plain)


def _settings(given: Any, origin: str) -> Settings:
    schema = _training_schema()
    for error in jsonschema.Draft202012Validator(schema).iter_errors(given):
        where = ".".join(["training", *map(str, error.absolute_path)])
        raise InputError(f"{origin}: {where}: {error.message}")
    defaults = {name: part.get("default") for name, part in schema["properties"].items()}
    values = {**defaults, **given}
    values["milestones"] = tuple(values["milestones"])
    return Settings(**{field.name: values[field.name] for field in fields(Settings)})


@cache
def _training_schema() -> dict[str, Any]:
    schema = yaml.safe_load((SCHEMAS / "config.schema.yaml").read_text())
    return schema["$defs"]["training"]
