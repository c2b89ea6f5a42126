"""What a configuration means for one run: the grid of runs, and everything that determines each of them."""

import itertools
from typing import Any, NamedTuple

import baselines
from workflow.datasets import catalogue
from workflow.datasets.front_ends import FRONT_ENDS
from workflow.experiments.configuration import SCHEMA, ConfigurationError, hint, overlay_keys

NO_ARGUMENTS = ("family", "recipe", "for", "training")  # keys of an entry of `models` that no format is given


class Run(NamedTuple):
    """A point of the grid. Its folder is a function of these six values alone."""

    dataset: str
    front_end: str
    model: str
    protocol: str
    fold: int
    seed: int

    @property
    def folder(self) -> str:
        """Path below results/<config>/runs/."""
        return f"{self.dataset}/{self.front_end}/{self.model}/{self.protocol}/fold{self.fold}/seed{self.seed}"


def runs(config: dict[str, Any]) -> list[Run]:
    """The whole grid of a completed configuration, in the order of its file."""
    grid = itertools.product(config["datasets"], config["front_ends"], config["models"], config["protocols"])
    return [
        Run(dataset, front_end, model, protocol, fold, seed)
        for dataset, front_end, model, protocol in grid
        for fold in folds(config, dataset, protocol)
        for seed in config["seeds"]
    ]


def folds(config: dict[str, Any], dataset: str, protocol: str) -> list[int]:
    """The folds of a data set's protocol that the configuration asks for."""
    available = range(catalogue.folds(dataset, protocol))
    wanted = list(available) if config["folds"] == "all" else config["folds"]
    for fold in wanted:
        if fold not in available:
            raise ConfigurationError(
                f"folds: {fold} is not a fold of {dataset}'s {protocol!r} protocol (0..{available[-1]})"
            )
    return wanted


def input_size(config: dict[str, Any], front_end: str) -> int:
    """D: numbers per frame that a recurrent layer sees."""
    return FRONT_ENDS[front_end].input_size(config["frames"]["height"], config["frames"]["width"])


def training(config: dict[str, Any], dataset: str, front_end: str, model: str) -> dict[str, Any]:
    """The training settings of a model on a data set: the general ones, then `for:`, then the model's own."""
    layers = [config["training"], *_overlays(config["training"], dataset, front_end)]
    entry = config["models"][model]
    layers.append(entry.get("training", {}))
    layers += [overlay.get("training", {}) for overlay in _overlays(entry, dataset, front_end)]
    merged = {key: value for layer in layers for key, value in layer.items() if key != "for"}
    return {key: merged[key] for key in SCHEMA["$defs"]["training"]["properties"] if key in merged}


def recurrent(config: dict[str, Any], dataset: str, front_end: str, model: str) -> dict[str, Any]:
    """The arguments of `baselines.declare` and `baselines.build` for a model on a data set."""
    entry = config["models"][model]
    layers = [entry, *_overlays(entry, dataset, front_end)]
    merged = {key: value for layer in layers for key, value in layer.items() if key not in NO_ARGUMENTS}
    return {**merged, "input_size": input_size(config, front_end)}


def specification(config: dict[str, Any], run: Run) -> dict[str, Any]:
    """Everything resolved that determines a run, as plain data."""
    return {**run._asdict(), **settings(config, run.dataset, run.front_end, run.model)}


def settings(config: dict[str, Any], dataset: str, front_end: str, model: str) -> dict[str, Any]:
    """The part of a specification that all protocols, folds and seeds share."""
    where = dataset, front_end, model
    entry = config["models"][model]
    kind = {"family": entry.get("family", model), "recipe": entry.get("recipe", "ours")}
    return {**kind, "recurrent": recurrent(config, *where), "training": training(config, *where)}


def check_models(config: dict[str, Any], origin: str) -> None:
    """Declare every model at every shape it will have, so that impossible modes are told before any work."""
    for dataset, front_end, model in itertools.product(config["datasets"], config["front_ends"], config["models"]):
        arguments = recurrent(config, dataset, front_end, model)
        format_ = arguments["format"]
        if format_ not in baselines.FORMATS:
            known = hint(format_, baselines.FORMATS)
            raise ConfigurationError(f"{origin}: models.{model}.format: unknown format {format_!r}; {known}")
        try:
            baselines.declare(**arguments)
        except (ValueError, TypeError) as error:
            raise ConfigurationError(f"{origin}: models.{model} on {dataset}/{front_end}: {error}") from None


def _overlays(entry: dict[str, Any], dataset: str, front_end: str) -> list[dict[str, Any]]:
    block = entry.get("for", {})
    return [block[key] for key in overlay_keys(dataset, front_end) if key in block]


def module(format_: str) -> str:
    """The module that a format is in."""
    return baselines.FORMATS[format_].module


def modules() -> list[str]:
    """The modules of all formats."""
    return [module(format_) for format_ in baselines.FORMATS]
