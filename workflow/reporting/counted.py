"""Numbers of parameters of a model: as its records say, else as its format declares them in the configuration."""

from functools import lru_cache
from typing import Any

import pandas as pd
import yaml

import baselines
from workflow.datasets.catalogue import CATALOGUE
from workflow.experiments import grid
from workflow.experiments.run import Run
from workflow.reporting.records import WEIGHTS
from workflow.reporting.results import Results
from workflow.training.declared import parameters as declared_parameters


def counts(results: Results, dataset: str, front_end: str, model: str) -> dict[str, int] | None:
    """{"W", "U", "bias", "classifier"}, or None where neither records nor configuration know the model."""
    found = recorded(results, dataset, front_end, model)
    if found is not None or not _configured(results, front_end, model):
        return found
    # a count depends on neither protocol, fold nor seed
    shared = grid.shared_by_runs(results.config, dataset, front_end, model)
    run = Run(dataset, front_end, model, results.config.protocols[0], 0, 0, **shared)
    return declared_parameters(run, len(CATALOGUE[dataset].classes))


def recorded(results: Results, dataset: str, front_end: str, model: str) -> dict[str, int] | None:
    """What the records of a model say of its parameters; None without records or where they disagree."""
    rows = results.records_of(dataset, front_end, model)[WEIGHTS].drop_duplicates()
    return {name: int(rows.iloc[0][name]) for name in WEIGHTS} if len(rows) == 1 else None


def dense(results: Results, dataset: str, front_end: str, model: str) -> dict[str, int] | None:
    """W and U of the dense LSTM (or GRU) of the same input and hidden size: 4 H D and 4 H H (3 for a GRU)."""
    arguments = arguments_of(results, dataset, front_end, model)
    if not arguments or "hidden_size" not in arguments or "input_size" not in arguments:
        return None
    gates = 3 if arguments.get("cell") == "gru" else 4
    D, H = arguments["input_size"], arguments["hidden_size"]
    return {"W": gates * H * D, "U": gates * H * H}


def declared(results: Results, dataset: str, front_end: str, model: str) -> Any | None:
    """The declaration of a model's format (baselines.Declaration); None for what is no declaration of cores."""
    found = arguments(results, dataset, front_end, model)
    return None if found is None else baselines.layer(**found)


def arguments(results: Results, dataset: str, front_end: str, model: str) -> dict[str, Any] | None:
    """The arguments of baselines.declare; None where neither configuration nor records give some that it takes."""
    found = arguments_of(results, dataset, front_end, model)
    format_ = baselines.FORMATS.get(found["format"]) if found else None
    return None if format_ is None or format_.naive else found


def arguments_of(results: Results, dataset: str, front_end: str, model: str) -> dict[str, Any] | None:
    """What determines a recurrent layer: from the configuration, else from the specification of a run."""
    found = declared_arguments(results, dataset, front_end, model)
    return recorded_arguments(results, dataset, front_end, model) if found is None else found


def declared_arguments(results: Results, dataset: str, front_end: str, model: str) -> dict[str, Any] | None:
    """The arguments of baselines.declare in the configuration; None where it does not name the model."""
    if not _configured(results, front_end, model):
        return None
    return grid.shared_by_runs(results.config, dataset, front_end, model)["recurrent"]


def _configured(results: Results, front_end: str, model: str) -> bool:
    config = results.config
    return config is not None and model in config.models and front_end in config.front_ends


@lru_cache(maxsize=1024)
def recorded_arguments(results: Results, dataset: str, front_end: str, model: str) -> dict[str, Any] | None:
    """The same from the specification.yaml of one of the model's runs."""
    for record in results.records_of(dataset, front_end, model)["record"]:
        file = (results.root / record).with_name("specification.yaml")
        if file.is_file():
            found = yaml.safe_load(file.read_text())
            return found.get("recurrent") if isinstance(found, dict) else None
    return None


def places(results: Results) -> pd.DataFrame:
    """Every (dataset, front_end, model) of the configuration and the records, in the order of tables."""
    return results.experiments[["dataset", "front_end", "model"]].drop_duplicates(ignore_index=True)
