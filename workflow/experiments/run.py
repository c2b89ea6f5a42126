"""A run: one training, and everything that determines it."""

import json
from dataclasses import dataclass, field, fields
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from pydantic import TypeAdapter

from workflow.experiments import words
from workflow.experiments.fields import Identifier, Whole
from workflow.experiments.problems import ConfigurationError, checked
from workflow.experiments.training import Training

IDENTITY = ("dataset", "front_end", "model", "protocol", "fold", "seed")


@dataclass(frozen=True)
class Run:
    """A point of the grid, equal to another if their six identifying values are.

    recurrent: the arguments of `baselines.build`, with `format` and `input_size`. training: the resolved settings.
    """

    dataset: str
    front_end: str
    model: str
    protocol: str
    fold: Whole
    seed: Whole
    family: Identifier = field(compare=False)
    recipe: str = field(compare=False)
    recurrent: dict[str, Any] = field(compare=False)
    training: Training = field(compare=False)

    @property
    def identity(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in IDENTITY}

    @property
    def folder(self) -> str:
        """Path below results/<name>/runs/; all random numbers of the run derive from it."""
        return f"{self.dataset}/{self.front_end}/{self.model}/{self.protocol}/fold{self.fold}/seed{self.seed}"

    @property
    def plain(self) -> dict[str, Any]:
        """What specification.yaml holds."""
        kind = {"family": self.family, "recipe": self.recipe}
        return {**self.identity, **kind, "recurrent": self.recurrent, "training": self.training.plain}

    @classmethod
    def parse(cls, plain: Any, origin: str = "specification") -> "Run":
        """Check plain data. Raise ConfigurationError, a sentence that begins with `origin`."""
        if not isinstance(plain, dict):
            raise ConfigurationError(f"{origin}: holds a {type(plain).__name__}; expected keys and values")
        names = [part.name for part in fields(cls)]
        for key in plain:
            if key not in names:
                raise ConfigurationError(f"{origin}: {words.unknown('key', key, names)}")
        run = checked(_adapter(), plain, origin)
        for name, kind in {"format": str, "input_size": int}.items():
            if not isinstance(run.recurrent.get(name), kind):
                value = run.recurrent.get(name)
                raise ConfigurationError(f"{origin}: recurrent.{name} is {value!r}; expected {kind.__name__}")
        return run


@cache
def _adapter() -> TypeAdapter[Run]:
    return TypeAdapter(Run)


def read(text_or_path: str) -> Run:
    """Read a run from JSON text, or from a JSON or YAML file."""
    origin, text = "--specification", text_or_path
    try:
        if not text.lstrip().startswith("{"):
            origin = text_or_path
            text = Path(text_or_path).read_bytes().decode()
        plain = json.loads(text) if text.lstrip().startswith("{") else yaml.safe_load(text)
    except OSError as error:
        raise ConfigurationError(f"{origin}: cannot be read: {error.strerror}") from None
    except (ValueError, yaml.YAMLError) as error:
        raise ConfigurationError(f"{origin}: neither JSON nor YAML: {' '.join(str(error).split())}") from None
    return Run.parse(plain, origin)
