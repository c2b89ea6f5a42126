"""The grid: every run that a configuration asks for, resolved."""

import itertools
from collections import ChainMap
from collections.abc import Iterator
from operator import attrgetter
from typing import Any

import baselines
from workflow.datasets import protocols
from workflow.datasets.front_ends import FRONT_ENDS
from workflow.experiments.configuration import Configuration, Training
from workflow.experiments.fields import RENAMED, did_you_mean, unknown
from workflow.experiments.run import Run
from workflow.storage.errors import InputError


def runs(config: Configuration) -> list[Run]:
    """Return all runs of the grid, in the order of the configuration file."""
    found = []
    for place in places(config):
        shared = shared_by_runs(config, *place)
        for protocol in config.protocols:
            for fold, seed in itertools.product(folds(config, place[0], protocol), config.seeds):
                found.append(Run.model_construct(**shared, protocol=protocol, fold=fold, seed=seed))
    return found


def experiments(config: Configuration, wanted: dict[str, Any] | None = None) -> dict[str, list[Run]]:
    """Return the runs of each experiment, by its folder below results/<name>/runs/. wanted: see `select`."""
    grouped = itertools.groupby(select(runs(config), wanted or {}), attrgetter("experiment"))
    return {name: list(group) for name, group in grouped}


def select(runs: list[Run], wanted: dict[str, Any]) -> list[Run]:
    """Return the runs that match `wanted` on each axis that it names."""
    for axis, value in wanted.items():
        known = list(dict.fromkeys(getattr(run, axis) for run in runs))
        if value not in known:
            kind = axis.replace("_", " ")
            raise InputError(f"{axis}: no run has {value!r}; {did_you_mean(value, known, kind)}")
    chosen = [run for run in runs if all(getattr(run, axis) == value for axis, value in wanted.items())]
    if not chosen:
        raise InputError(f"no run of the grid has all of {wanted}")
    return chosen


def places(config: Configuration) -> Iterator[tuple[str, str, str]]:
    """Yield data set, front end and model of each experiment, whatever its protocol."""
    for dataset, front_end, model in itertools.product(config.datasets, config.front_ends, config.models):
        only = config.models[model].only
        if only is None or not set(only).isdisjoint(_keys(dataset, front_end)):
            yield dataset, front_end, model


def _keys(dataset: str, front_end: str) -> tuple[str, str, str]:
    """Return the keys of `for:` and `only:` that concern a data set and front end, the strongest last."""
    return front_end, dataset, f"{dataset}/{front_end}"


def shared_by_runs(config: Configuration, dataset: str, front_end: str, model: str) -> dict[str, Any]:
    """Return the values of a `Run` that all protocols, folds and seeds of a model on a data set share."""
    keys = _keys(dataset, front_end)
    entry, general = config.models[model], config.training
    layers = [entry, *(entry.overlays[key] for key in keys if key in entry.overlays)]
    trainings = [general, *(general.overlays[key] for key in keys if key in general.overlays)]
    trainings += [layer.training for layer in layers]
    given = {name: getattr(layer, name) for layer in trainings for name in layer.model_fields_set - {"overlays"}}
    arguments = ChainMap(*(layer.model_extra or {} for layer in reversed(layers)), {"format": entry.format})
    size = FRONT_ENDS[front_end].input_size(config.frames.height, config.frames.width)
    return {
        "dataset": dataset,
        "front_end": front_end,
        "model": model,
        "family": entry.family or model,
        "recipe": entry.recipe,
        "recurrent": {**arguments, "input_size": size},
        "training": Training.model_construct(**given),
    }


def folds(config: Configuration, dataset: str, protocol: str) -> list[int]:
    """Return the folds of a data set's protocol that the configuration asks for."""
    available = range(protocols.folds(dataset, protocol))
    if config.folds == "all":
        return list(available)
    for fold in config.folds:
        if fold not in available:
            raise InputError(f"folds: {fold} is not a fold of {dataset}'s {protocol!r} protocol (0..{available[-1]})")
    return list(config.folds)


def check_models(config: Configuration, origin: str) -> None:
    """Declare every model at every shape it will have, so impossible modes are reported before any work.

    Raise InputError for these, and for a search under a protocol without a validation part.
    """
    unvalidated = [protocol for protocol in config.protocols if not config.splits.validation_share(protocol)]
    for dataset, front_end, model in places(config):
        shared = shared_by_runs(config, dataset, front_end, model)
        arguments = shared["recurrent"]
        where = f"{origin}: models.{model}"
        if shared["training"].search and unvalidated:
            raise InputError(
                f"{where}: a search needs a validation part, and protocol {unvalidated[0]!r} has none; give it one in "
                "splits.validation, or leave out the search"
            )
        if arguments["format"] not in baselines.FORMATS:
            raise InputError(f"{where}.format: {unknown('format', arguments['format'], baselines.FORMATS)}")
        if ("init", init := arguments.get("init")) in RENAMED:
            raise InputError(f"{where}.init: {unknown('init', init, ())}")
        try:
            baselines.declare(**arguments)
        except (ValueError, TypeError) as error:
            raise InputError(f"{where} on {dataset}/{front_end}: {error}") from None
