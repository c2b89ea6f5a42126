"""Models: family and recipe, printed name, number of parameters, rivals.

Family and recipe are keys of the configuration and of a record; they are never parsed from a model's name.
"""

from collections.abc import Iterable
from contextlib import suppress
from typing import Any, NamedTuple

import pandas as pd

import baselines
from fdht.mega import GATES
from workflow.datasets.catalogue import CATALOGUE
from workflow.datasets.protocols import PROTOCOLS
from workflow.experiments import grid
from workflow.experiments.run import Run
from workflow.reporting.records import EXPERIMENT, PLACE, WEIGHTS
from workflow.reporting.results import Results, cached
from workflow.storage.yaml_file import read

OURS = "ours"
RECIPES = (OURS, "authors")
RANKS = ("rank", "ranks", "leaf_rank", "inner_rank", "state_ranks")
KINDS = {"dense": "dense", "fully_decomposed": "fdht"}  # by format; naive formats are baselines


class Model(NamedTuple):
    """A model's family (lstm, tt_lstm ...; a model without relatives is its own family) and recipe."""

    family: str
    recipe: str


@cached
def known(results: Results) -> dict[str, Model]:
    """Return every model by name: as the configuration declares it, else as its records state."""
    rows = results.records.dropna(subset=["model", "family", "recipe"])
    found = {row.model: Model(row.family, row.recipe) for row in rows.itertuples()}
    entries = results.config.models if results.config else {}
    return found | {name: Model(entry.family or name, entry.recipe) for name, entry in entries.items()}


def get(results: Results, model: str) -> Model:
    """Return a model; one unknown to configuration and records is its own family."""
    return known(results).get(model, Model(model, OURS))


def label(results: Results, model: str) -> str:
    """Return a model's printed name: its family's, with the recipe or the variant in brackets."""
    family, recipe = own = get(results, model)
    entry = results.layout["models"].get(family)
    name = entry["label"] if entry else family.replace("_", " ")
    details = [results.layout["recipes"].get(recipe, recipe)] if recipe != OURS else []
    alike = [other for other, found in known(results).items() if found == own]
    if model != family and (not details or len(alike) > 1):
        details.append(results.layout["variants"].get(model, model.removeprefix(f"{family}_").replace("_", " ")))
    return f"{name} ({', '.join(details)})" if details else name


@cached
def kind(results: Results, model: str) -> str:
    """Return a model's kind: as the layout has it for the family, else by the model's format.

    baseline, dense, compressed (W alone is decomposed), alternative (W and U are, but not as in FDHT-LSTM), fdht, or
    gru, which is not compared with any LSTM.
    """
    if entry := results.layout["models"].get(get(results, model).family):
        return entry["kind"]
    for place in (place for place in results.places if place[2] == model):
        if recurrent(results, *place).get("cell") == "gru":
            return "gru"
        found, declared, dense = format_of(results, *place), declaration(results, *place), dense_counts(results, *place)
        if found and (found.naive or found.name in KINDS):
            return KINDS.get(found.name, "baseline")
        if declared and dense and declared.parameters()["U"] < dense["U"]:
            return "alternative"
    return "compressed"


@cached
def compared(results: Results) -> pd.DataFrame:
    """Return the experiments without models that differ from an earlier one only in ranks or in the values searched."""
    first: dict[str, tuple[str, ...]] = {}
    for experiment in results.experiments.itertuples(index=False, name=None):
        own = apart_from_search(results, *experiment[:3])
        own["recurrent"] = {name: value for name, value in own["recurrent"].items() if name not in RANKS}
        first.setdefault(repr([*experiment[:2], experiment[3], own if own["recurrent"] else experiment[2]]), experiment)
    return pd.DataFrame(first.values(), columns=EXPERIMENT)


def apart_from_search(results: Results, *place: str) -> dict[str, Any]:
    """Return a model's description without the values that its search tries, but with the names of their settings."""
    found = specification(results, *place)
    searched = {"search": sorted(found["training"].get("search") or {})}
    return {"model": get(results, place[2]), **found, "training": found["training"] | searched}


def compared_on(results: Results, *data: str, protocols: Iterable[str] = PROTOCOLS) -> list[str]:
    """Return the models of a data set and front end that are compared under one of `protocols`, in table order."""
    table = compared(results)
    kept = table[(table["dataset"] == data[0]) & (table["front_end"] == data[1]) & table["protocol"].isin(protocols)]
    return [name for name in results.models_on(*data) if name in set(kept["model"])]


@cached
def rivals(results: Results, dataset: str, front_end: str, model: str, of: str = "compressed") -> list[str]:
    """Return the compared models of a kind, data and protocol of `model` that were trained with its recipe."""
    table, recipe = results.experiments, get(results, model).recipe
    own = table.loc[(table[PLACE] == [dataset, front_end, model]).all(axis=1), "protocol"]
    others = compared_on(results, dataset, front_end, protocols=own)
    return [name for name in others if kind(results, name) == of and get(results, name).recipe == recipe]


@cached
def specification(results: Results, *place: str) -> dict[str, dict[str, Any]]:
    """Return the arguments of a model's layer (recurrent) and its settings (training), as its runs use them.

    They come from the configuration, else from the specification of one of its runs; both are empty if unknown.
    """
    run, files = _declared(results, *place), results.files("specification.yaml", *place)
    found = run.plain if run else read(files[0])[1] if files else {}
    return {part: found.get(part) or {} for part in ("recurrent", "training")}


def recurrent(results: Results, *place: str) -> dict[str, Any]:
    """Return the arguments of baselines.declare; empty if unknown."""
    return specification(results, *place)["recurrent"]


def format_of(results: Results, *place: str) -> baselines.Format | None:
    """Return a model's format, without a specification the one named as its family; None if unknown."""
    return baselines.FORMATS.get(recurrent(results, *place).get("format", get(results, place[2]).family))


def declaration(results: Results, *place: str) -> Any | None:
    """Return the declaration of a model's layer; None for a naive baseline or if unknown, as that of newer code is."""
    found = format_of(results, *place)
    with suppress(ValueError, TypeError):
        return baselines.declare(**recurrent(results, *place)) if found and not found.naive else None
    return None


def is_fitted(results: Results, *place: str) -> bool:
    """Return whether scikit-learn fits a model, without epochs or a seed."""
    found = format_of(results, *place)
    return found is not None and found.fitted


def counts(results: Results, dataset: str, front_end: str, model: str) -> dict[str, int]:
    """Return W, U, weights (W + U), bias and classifier, from the records, else from the declaration, else nothing."""
    rows = results.successful(dataset, front_end, model)[WEIGHTS].drop_duplicates()
    if len(rows) == 1:
        found = rows.iloc[0].astype(int).to_dict()
    elif run := _declared(results, dataset, front_end, model):
        found = run.parameters(len(CATALOGUE[dataset].classes))
    else:
        return {}
    return found | {"weights": found["W"] + found["U"]}


def dense_counts(results: Results, *place: str) -> dict[str, int]:
    """Return W, U and weights of the dense layer of the same sizes: G H D and G H H, G gates; empty if unknown."""
    found = recurrent(results, *place)
    gates = GATES.get(found.get("cell", "lstm"))
    if "hidden_size" not in found or gates is None:
        return {}
    D, H = found["input_size"], found["hidden_size"]
    return {"W": gates * H * D, "U": gates * H * H, "weights": gates * H * (D + H)}


def ratios(results: Results, *place: str) -> dict[str, float]:
    """Return how many times fewer W, and W + U, a recurrent layer stores than the dense one; empty for a baseline.

    A W that holds U is compared with W + U.
    """
    found, dense = counts(results, *place), dense_counts(results, *place)
    if kind(results, place[2]) == "baseline" or not dense or not found.get("W"):
        return {}
    replaced = dense["W" if found["U"] else "weights"]
    return {"ratio_W": replaced / found["W"], "ratio_weights": dense["weights"] / found["weights"]}


def total(results: Results, dataset: str, front_end: str, model: str, counted: str) -> int | None:
    """Return a total that includes the terms of `counted` (reported.csv's column counts); None if one is unknown.

    The classifier is that of the whole data set: records may be of a part with fewer classes.
    """
    terms = counts(results, dataset, front_end, model)
    terms |= {"2 biases": 2 * terms["bias"]} if terms else {}
    hidden_size = recurrent(results, dataset, front_end, model).get("hidden_size")
    if hidden_size and dataset in CATALOGUE:
        terms["classifier weights"] = hidden_size * len(CATALOGUE[dataset].classes)
    wanted = counted.split(" + ")
    return sum(terms[term] for term in wanted) if set(wanted) <= set(terms) else None


def differences(results: Results, dataset: str, front_end: str, first: str, second: str) -> list[str]:
    """Return the names of the arguments and settings in which two models differ."""
    both = (specification(results, dataset, front_end, model) for model in (first, second))
    one, two = ({"init": "matched", **found["recurrent"], **found["training"]} for found in both)
    return [name.replace("_", " ") for name in dict.fromkeys([*one, *two]) if one.get(name) != two.get(name)]


def recorded_weights(results: Results, *experiment: str) -> int | None:
    """Return W + U of an experiment's records; None without records or if they disagree."""
    runs = results.successful(*experiment)
    found = (runs["W"] + runs["U"]).dropna().unique()
    return int(found[0]) if len(found) == 1 else None


def _declared(results: Results, dataset: str, front_end: str, model: str) -> Run | None:
    """Return the first run of a model as the configuration declares it; None if it does not."""
    config = results.config
    if config is None or model not in config.models or front_end not in config.front_ends:
        return None
    shared = grid.shared_by_runs(config, dataset, front_end, model)
    return Run.model_construct(**shared, protocol=config.protocols[0], fold=0, seed=0)
