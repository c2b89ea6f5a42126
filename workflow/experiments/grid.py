"""The grid: every run that a configuration asks for, resolved."""

import itertools
from collections import ChainMap
from collections.abc import Iterable, Iterator
from operator import attrgetter
from typing import Any

import baselines
from workflow.datasets import protocols
from workflow.datasets.front_ends import FRONT_ENDS
from workflow.experiments.configuration import Arguments, Configuration, Training
from workflow.experiments.run import Run
from workflow.storage.errors import InputError
from workflow.storage.fields import RENAMED, did_you_mean, unknown


def runs(config: Configuration) -> list[Run]:
    """Return all runs of the grid, in the order of the configuration file."""
    found = []
    for place in places(config):
        shared = shared_by_runs(config, *place)
        for protocol in _kept(config.protocols, _listed(config, "protocols", *place)):
            seeds = _kept(config.seeds, _listed(config, "seeds", *place))
            for fold, seed in itertools.product(folds(config, protocol, *place), seeds):
                found.append(Run.model_construct(**shared, protocol=protocol, fold=fold, seed=seed))
    return found


def _listed(config: Configuration, axis: str, *place: str) -> list[Any] | None:
    """Return what a model lists under `axis` (protocols, folds, seeds); None if it runs on all."""
    return next((listed for layer in reversed(_layers(config, *place)) if (listed := getattr(layer, axis))), None)


def _kept(values: Iterable[Any], listed: list[Any] | None) -> list[Any]:
    return [value for value in values if listed is None or value in listed]


def _layers(config: Configuration, dataset: str, front_end: str, model: str) -> list[Arguments]:
    """Return a model's entry and its overlays on a data set and front end; the last wins."""
    entry = config.models[model]
    return [entry, *(entry.overlays[key] for key in _keys(dataset, front_end) if key in entry.overlays)]


def experiments(config: Configuration, wanted: dict[str, list[Any]] | None = None) -> dict[str, list[Run]]:
    """Return the runs of each experiment, by its folder below results/<name>/runs/. wanted: see `select`."""
    grouped = itertools.groupby(select(runs(config), wanted or {}), attrgetter("experiment"))
    return {name: list(group) for name, group in grouped}


def select(runs: list[Run], wanted: dict[str, list[Any]]) -> list[Run]:
    """Return the runs that have one of the `wanted` values of each axis. Raise InputError for a value that none has."""
    for axis, values in wanted.items():
        known = list(dict.fromkeys(getattr(run, axis) for run in runs))
        for value in values:
            if value not in known:
                hint = did_you_mean(value, known, axis.replace("_", " "))
                raise InputError(f"{axis}: no run has {value!r}; {hint}")
        runs = [run for run in runs if getattr(run, axis) in values]
    return runs


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
    layers = _layers(config, dataset, front_end, model)
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


def folds(config: Configuration, protocol: str, dataset: str, front_end: str, model: str) -> list[int]:
    """Return the folds of a data set's protocol that both the configuration and the model ask for."""
    available = range(protocols.folds(dataset, protocol))
    general = list(available) if config.folds == "all" else config.folds
    own = _listed(config, "folds", dataset, front_end, model)
    for key, asked in {"folds": general, f"models.{model}.folds": own or ()}.items():
        for fold in asked:
            if fold not in available:
                expected = f"(0..{available[-1]})"
                raise InputError(f"{key}: {fold} is not a fold of {dataset}'s {protocol!r} protocol {expected}")
    return _kept(general, own)


def check_models(config: Configuration, origin: str) -> None:
    """Declare every model at every shape it will have, so impossible modes are reported before any work.

    Raise InputError for these, for a search under a protocol without a validation part, and for an empty grid.
    """
    for dataset, front_end, model in places(config):
        shared = shared_by_runs(config, dataset, front_end, model)
        arguments = shared["recurrent"]
        where = f"{origin}: models.{model}"
        if arguments["format"] not in baselines.FORMATS:
            raise InputError(f"{where}.format: {unknown('format', arguments['format'], baselines.FORMATS)}")
        tested = _kept(config.protocols, _listed(config, "protocols", dataset, front_end, model))
        unvalidated = [protocol for protocol in tested if not config.splits.validation_share(protocol)]
        if shared["training"].search and unvalidated and not baselines.FORMATS[arguments["format"]].fitted:
            raise InputError(
                f"{where}: a search needs a validation part, and protocol {unvalidated[0]!r} has none; give it one in "
                "splits.validation, or leave out the search"
            )
        if ("init", init := arguments.get("init")) in RENAMED:
            raise InputError(f"{where}.init: {unknown('init', init, ())}")
        try:
            baselines.declare(**arguments)
        except (ValueError, TypeError) as error:
            raise InputError(f"{where} on {dataset}/{front_end}: {error}") from None
    if not runs(config):
        raise InputError(
            f"{origin}: no model has a run; those that list protocols, folds or seeds list none of the configuration's"
        )
