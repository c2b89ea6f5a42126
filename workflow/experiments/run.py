"""A run: one training, and everything that determines it."""

import hashlib
import itertools
from pathlib import Path
from typing import Any, Self

import yaml
from pydantic import model_validator

import baselines
from baselines.naive import thumbnails
from workflow.datasets.front_ends import FRONT_ENDS
from workflow.experiments.training import Training
from workflow.storage import yaml_file
from workflow.storage.errors import InputError
from workflow.storage.fields import Checked, Identifier, Whole
from workflow.storage.files import from_json

RANDOM = ("initialisation", "order", "dropout")
IDENTITY = ("dataset", "front_end", "model", "protocol", "fold", "seed")


class Run(Checked):
    """A point of the grid.

    recurrent: the arguments of `baselines.build`, with `format` and `input_size`. training: the resolved settings.
    """

    dataset: str
    front_end: str
    model: str
    protocol: str
    fold: Whole
    seed: Whole
    family: Identifier
    recipe: str
    recurrent: dict[str, Any]
    training: Training

    @property
    def identity(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in IDENTITY}

    @property
    def folder(self) -> str:
        """Return the path below results/<name>/runs/, from which all random numbers of the run derive."""
        return f"{self.experiment}/{self.place}"

    @property
    def experiment(self) -> str:
        """Return the path of the run's experiment below results/<name>/runs/."""
        return f"{self.dataset}/{self.front_end}/{self.model}/{self.protocol}"

    @property
    def place(self) -> str:
        """Return the path of the run below that of its experiment."""
        return f"fold{self.fold}/seed{self.seed}"

    @property
    def shared(self) -> dict[str, Any]:
        """Return the part of `plain` that all runs of an experiment have in common."""
        return {name: value for name, value in self.plain.items() if name not in ("fold", "seed")}

    @property
    def plain(self) -> dict[str, Any]:
        """Return the content of specification.yaml."""
        return {**vars(self), "training": {**vars(self.training)}}  # model_dump takes longer, and there are thousands

    @property
    def seeds(self) -> dict[str, int]:
        """Return a seed per purpose: 63 bits of a hash of purpose and folder, so no two runs share random numbers."""
        texts = {name: f"{self.folder}/{name}".encode() for name in RANDOM}
        return {name: int.from_bytes(hashlib.sha256(text).digest()[:8], "big") >> 1 for name, text in texts.items()}

    def parameters(self, classes: int) -> dict[str, int]:
        """Return the counts of W, U, bias and classifier. Raise InputError if the format refuses the declaration."""
        try:
            declared = baselines.declare(**self.recurrent)
        except (ValueError, TypeError) as error:
            raise InputError(f"recurrent: {error}") from None
        frames = FRONT_ENDS[self.front_end].extractor is None
        features = thumbnails.SIZE if frames else self.recurrent["input_size"]
        return {**declared.parameters(), "classifier": declared.classifier(classes, features)}

    def __hash__(self) -> int:
        return hash(self.folder)

    @model_validator(mode="after")
    def _built(self) -> Self:
        for name, kind in {"format": str, "input_size": int}.items():
            if not isinstance(value := self.recurrent.get(name), kind):
                raise ValueError(f"recurrent.{name} is {value!r}; expected {kind.__name__}")
        return self


def read(text_or_path: str, folds: list[int], seeds: list[int]) -> list[Run]:
    """Return the runs of an experiment. text_or_path: their specification as JSON, or a JSON or YAML file."""
    text = text_or_path
    origin = "--specification" if text.lstrip().startswith("{") else text_or_path
    try:
        if origin == text_or_path:
            text = Path(text_or_path).read_bytes().decode()
        plain = from_json(text) if text.lstrip().startswith("{") else yaml_file.parse(text)
    except OSError as error:
        raise InputError(f"{origin}: cannot be read: {error.strerror}") from None
    except (ValueError, yaml.YAMLError) as error:
        raise InputError(f"{origin}: neither JSON nor YAML: {' '.join(str(error).split())}") from None
    if not isinstance(plain, dict):
        raise InputError(f"{origin}: holds a {type(plain).__name__}; expected keys and values")
    points = itertools.product(folds, seeds)
    return [Run.parse({**plain, "fold": fold, "seed": seed}, origin) for fold, seed in points]
