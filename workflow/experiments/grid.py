"""The grid: every run that a configuration asks for, resolved."""

import itertools
from collections.abc import Iterable
from typing import Any

import baselines
from workflow.datasets import catalogue
from workflow.datasets.front_ends import FRONT_ENDS
from workflow.experiments import words
from workflow.experiments.configuration import Arguments, Configuration, Training, overlay_keys
from workflow.experiments.problems import ConfigurationError
from workflow.experiments.run import Run


def runs(config: Configuration) -> list[Run]:
    """The whole grid, in the order of the configuration's file."""
    found = []
    for dataset, front_end, model in itertools.product(config.datasets, config.front_ends, config.models):
        shared = shared_by_runs(config, dataset, front_end, model)
        for protocol in config.protocols:
            pairs = itertools.product(folds(config, dataset, protocol), config.seeds)
            found += [Run(dataset, front_end, model, protocol, fold, seed, **shared) for fold, seed in pairs]
    return found


def shared_by_runs(config: Configuration, dataset: str, front_end: str, model: str) -> dict[str, Any]:
    """What all protocols, folds and seeds of a model on a data set share, as arguments of `Run`."""
    entry = config.models[model]
    overlays = [entry.overlays[key] for key in overlay_keys(dataset, front_end) if key in entry.overlays]
    general = config.training.overlays
    trainings = [config.training, *(general[key] for key in overlay_keys(dataset, front_end) if key in general)]
    trainings += [layer.training for layer in (entry, *overlays)]
    return {
        "family": entry.family or model,
        "recipe": entry.recipe,
        "recurrent": {**_arguments([entry, *overlays]), "input_size": input_size(config, front_end)},
        "training": _merged(trainings),
    }


def _arguments(layers: Iterable[Arguments]) -> dict[str, Any]:
    return {name: value for layer in layers for name, value in layer.arguments.items()}


def _merged(layers: Iterable[Training]) -> Training:
    """The settings that any layer gives, the last one's where several do."""
    given = {name: getattr(layer, name) for layer in layers for name in layer.model_fields_set if name != "overlays"}
    return Training.model_construct(**given)


def folds(config: Configuration, dataset: str, protocol: str) -> list[int]:
    """The folds of a data set's protocol that the configuration asks for."""
    available = range(catalogue.folds(dataset, protocol))
    wanted = list(available) if config.folds == "all" else list(config.folds)
    for fold in wanted:
        if fold not in available:
            raise ConfigurationError(
                f"folds: {fold} is not a fold of {dataset}'s {protocol!r} protocol (0..{available[-1]})"
            )
    return wanted


def input_size(config: Configuration, front_end: str) -> int:
    """D: numbers per frame that a recurrent layer sees."""
    return FRONT_ENDS[front_end].input_size(config.frames.height, config.frames.width)


def check_models(config: Configuration, origin: str) -> None:
    """Declare every model at every shape it will have, so impossible modes are reported before any work."""
    for dataset, front_end, model in itertools.product(config.datasets, config.front_ends, config.models):
        arguments = shared_by_runs(config, dataset, front_end, model)["recurrent"]
        format_ = arguments["format"]
        where = f"{origin}: models.{model}"
        if format_ not in baselines.FORMATS:
            raise ConfigurationError(f"{where}.format: {words.unknown('format', format_, baselines.FORMATS)}")
        if (init := arguments.get("init")) and ("init", init) in words.RENAMED:
            raise ConfigurationError(f"{where}.init: {words.unknown('init', init, ())}")
        try:
            baselines.declare(**arguments)
        except (ValueError, TypeError) as error:
            raise ConfigurationError(f"{where} on {dataset}/{front_end}: {error}") from None


def module(format_: str) -> str:
    """The module that a format is in."""
    return baselines.FORMATS[format_].module


def modules() -> list[str]:
    """The modules of all formats."""
    return [module(format_) for format_ in baselines.FORMATS]
