"""The configuration: the one definition of its keys, their types and their defaults.

Everything here is plain data without torch, so the Snakefile, the steps and the tests share it, and a typo is
reported within a second. workflow/experiments/grid.py derives the runs from it.
"""

import itertools
import math
import os
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import yaml
from pydantic import AfterValidator, ConfigDict, Discriminator, Field, Tag, create_model, model_validator

from workflow.datasets.catalogue import CATALOGUE
from workflow.datasets.front_ends import EXTRACTED, FRONT_ENDS
from workflow.datasets.protocols import PROTOCOLS, VALIDATED
from workflow.experiments.record import KEPT, Keep, Recipe
from workflow.experiments.training import Training
from workflow.storage import yaml_file
from workflow.storage.errors import InputError
from workflow.storage.fields import (
    AS_GIVEN,
    DISTINCT,
    EMPTY_IF_NONE,
    Checked,
    Count,
    Identifier,
    Name,
    Share,
    Whole,
    check_names,
    one_of,
)

PAIRS = [f"{dataset}/{front_end}" for dataset, front_end in itertools.product(CATALOGUE, FRONT_ENDS)]
OverlayKey = one_of("front end, data set or data set/front end", [*FRONT_ENDS, *CATALOGUE, *PAIRS])
Protocol = one_of("protocol", PROTOCOLS)
OWN_DATA = ("datasets", "frames", "splits", "protocols")  # a change of these, or of a front end, changes the data
Numbers = Annotated[list[Whole], *DISTINCT]
TEXT = ("name", "data", "source", "weights")  # keys whose value is text even if it is "2024"
OwnPath = Annotated[str, AfterValidator(os.path.expanduser)]
Folds = Annotated[
    Annotated[Literal["all"], Tag("all")] | Annotated[Numbers, Tag("numbers")],
    Discriminator(
        lambda value: "numbers" if isinstance(value, list) else "all" if value == "all" else None,
        custom_error_type="folds",
        custom_error_message="should be 'all' or a list of fold numbers",
    ),
]


class Dataset(Checked):
    source: OwnPath | None = Field(
        None, description="your own folder or archive, in the set's layout; null: the set is downloaded"
    )
    partial: bool = Field(False, description="clips of the inventory may be missing; missing ones are listed")
    max_missing: Share = Field(0.0, description="share of the inventory that may be missing")
    max_undecodable: Share = Field(0.01, description="share of clips that may fail to decode; these are left out")
    insecure_tls: list[str] = Field(
        [], description="hosts whose certificate is not verified; a checksum protects what they serve"
    )


class Frames(Checked):
    count: Count = Field(6, description="frames per clip; with sampling `all`, the largest number")
    sampling: Literal["linspace", "random", "all"] = Field(
        "linspace",
        description="linspace: evenly spaced; random: random but in order, as in BT-LSTM; all: the first `count`",
    )
    width: Annotated[int, Field(ge=8)] = Field(160, description="pixels")
    height: Annotated[int, Field(ge=8)] = Field(120, description="pixels")


class Extraction(Checked):
    """How the features of a front end are computed."""

    weights: OwnPath | None = Field(None, description="your own file of the network's weights; null: the default ones")
    batch: Count = Field(32, description="frames per forward pass; changes the last bits of the features")


class Validation(Checked):
    """Shares of the training clips used for validation, drawn as the protocol draws its test clips."""

    random: Annotated[float, Field(ge=0, le=0.5), AS_GIVEN] = Field(0.0, description="drawn clip by clip; 0: none")
    group: Annotated[float, Field(ge=0, le=0.5), AS_GIVEN] = Field(
        0.15, description="drawn by whole sources, class by class; 0: none"
    )


class Splits(Checked):
    seed: Whole = Field(11111986, description="seed of every random draw (the number in TT-RNN's code)")
    published_seed: Literal["tt_rnn"] | None = Field(
        None,
        description="`tt_rnn`: the protocol random tests the clips that TT-RNN's code tests; null: drawn by `seed`",
    )
    validation: Validation = Field(Validation(), description="share of the training clips used for validation")
    validation_by_clip: bool = Field(
        False,
        description="draw validation clip by clip under `group`, too; for a part of a set that leaves a single source "
        "per class to train on; validation clips then have siblings in training",
    )

    def validation_share(self, protocol: str) -> float:
        """Return the share of the training clips that a protocol uses for validation."""
        return dict(self.validation).get(protocol, 0.0)


class TrainingWithOverlays(Training):
    overlays: dict[OverlayKey, Training] = Field(  # type: ignore[valid-type]
        {},
        alias="for",
        description="settings by front end, data set or both; ucf11/pixels overrides ucf11, which overrides pixels",
    )


class Arguments(Checked):
    """Keys that belong to the format of a model, in the order of the file."""

    model_config = ConfigDict(extra="allow")
    training: Training = Field(Training(), description="settings of this model, over the general ones")
    protocols: Annotated[list[Protocol], *DISTINCT] | None = Field(  # type: ignore[valid-type]
        None, description="the configuration's protocols under which the model runs; null: all"
    )
    folds: Numbers | None = Field(None, description="the configuration's folds on which the model runs; null: all")
    seeds: Numbers | None = Field(None, description="the configuration's seeds with which the model runs; null: all")


class ModelEntry(Arguments):
    format: str = Field(description="weight format; the other keys of a model are parameters of its format")
    family: Identifier | None = Field(
        None, description="what the model is a variant of (lstm, tt_lstm ...); null: its own name"
    )
    recipe: Recipe = Field("ours", description="trained with our settings, or with the authors'")
    only: list[OverlayKey] | None = Field(  # type: ignore[valid-type]
        None, description="front ends, data sets or both on which the model runs; null: all"
    )
    overlays: dict[OverlayKey, Arguments] = Field(  # type: ignore[valid-type]
        {},
        alias="for",
        description="all but `only`, `family` and `recipe`, by front end, data set or both, as in `training.for`",
    )


class Configuration(Checked):
    """A checked configuration."""

    name: Name = Field(description="name of the results: results/<name>")
    data: Name | None = Field(None, description="configuration whose prepared data are used; null: its own")
    datasets: dict[one_of("data set", CATALOGUE), Annotated[Dataset, EMPTY_IF_NONE]] = Field(  # type: ignore[valid-type]
        min_length=1, description="data sets by name"
    )
    front_ends: Annotated[list[one_of("front end", FRONT_ENDS)], *DISTINCT] = Field(  # type: ignore[valid-type]
        ["pixels"], description="what a recurrent layer sees of a frame"
    )
    frames: Frames = Field(Frames(), description="frames taken from each clip")
    protocols: Annotated[list[Protocol], *DISTINCT] = Field(  # type: ignore[valid-type]
        list(VALIDATED),
        description="group: no source in both training and test (HMDB51: its official splits, which ensure this within "
        "a class only); random: clip by clip, as in the authors' code; siblings_0 to siblings_100: that percentage of "
        "the test clips has a sibling of its class in training, all else equal",
    )
    folds: Folds = Field("all", description="fold numbers from 0, or all folds of each protocol")
    seeds: Numbers = Field([0], description="seeds of the runs")
    splits: Splits = Field(Splits(), description="how clips are split")
    keep_weights: Keep = Field(
        "small",
        description=f"which records get the weights that `rescore` and `predict` need, model.safetensors: all, small "
        f"(up to {KEPT['small']:,} numbers) or none; a change applies to runs trained from then on",
    )
    training: TrainingWithOverlays = Field(TrainingWithOverlays(), description="settings of training for every model")
    models: dict[Identifier, ModelEntry] = Field(min_length=1, description="models by name; several may share a format")

    @model_validator(mode="before")
    @classmethod
    def _retyped(cls, given: Any) -> Any:
        return retyped(given)

    @model_validator(mode="after")
    def _weights(self) -> Self:
        for name, section in self.extraction.items():
            if section.weights and not FRONT_ENDS[name].weights:
                check_names(f"key of {name}", ["weights"], ["batch"])
        return self

    @property
    def extraction(self) -> dict[str, Extraction]:
        """How features are computed, by front end."""
        return {name: getattr(self, name) for name in EXTRACTED}

    @property
    def results(self) -> Path:
        """The folder of all results."""
        return Path("results", self.name)

    @property
    def prepared(self) -> Path:
        """The folder of the prepared data, which has a folder per data set."""
        return Path("results", self.data or self.name, "data")

    @property
    def plain(self) -> dict[str, Any]:
        """Plain data with every default filled in; models and overlays, which are laid over others, keep their keys."""
        plain, given = (self.model_dump(by_alias=True, exclude_unset=unset) for unset in (False, True))
        overlays = given.get("training", {}).get("for", {})
        return {**plain, "training": {**plain["training"], "for": overlays}, "models": given["models"]}


SECTIONS: dict[str, Any] = {
    name: (Extraction, Field(Extraction(), description=f"how {FRONT_ENDS[name].title} are computed"))
    for name in EXTRACTED
}
# a configuration also has a section for each front end that computes features
WithSections = create_model("Configuration", __base__=Configuration, __doc__=Configuration.__doc__, **SECTIONS)


def complete(raw: Any, origin: str = "configuration") -> Configuration:
    """Check `raw` and fill in every default. Raise InputError, a sentence that begins with `origin`."""
    return WithSections.parse(raw, origin)


def merged(base: Any, changes: Any) -> Any:
    """Return `base` updated with `changes`; mappings in both are merged key by key, at every depth."""
    if isinstance(base, dict) and isinstance(changes, dict):
        return {**base, **{key: merged(base.get(key), value) for key, value in changes.items()}}
    return changes


def retyped(value: Any, key: str = "") -> Any:
    """Convert text that means a number, a boolean or null: 1e-3 in YAML, and any value in Snakemake's --config.

    key: where the value stands; that of TEXT means no number. Raise InputError for a number that is not finite.
    """
    if isinstance(value, dict):
        return {name: retyped(part, f"{key}.{name}" if key else str(name)) for name, part in value.items()}
    if isinstance(value, list):
        return [retyped(part, f"{key}.{index}") for index, part in enumerate(value)]
    if isinstance(value, str):
        try:
            meant = yaml_file.parse(value)
            meant = float(meant) if isinstance(meant, str) else meant  # 1e-3 is text to YAML
        except (ValueError, yaml.YAMLError):
            return value
        number = isinstance(meant, (bool, int, float)) and key.rpartition(".")[2] not in TEXT
        value = meant if meant is None or number else value
    if isinstance(value, float) and not math.isfinite(value):
        raise InputError(f"{key}: {value} is not a finite number")
    return value
