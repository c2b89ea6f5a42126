"""The recipe of a model: everything resolved that determines its layer and its training; and how two recipes differ."""

from typing import Any

import yaml

from workflow.experiments import grid
from workflow.reporting import layout as layouts
from workflow.reporting.results import Results

START = "init"
DEFAULTS = {START: "matched"}  # what a recipe that does not name a setting has


def of(results: Results, dataset: str, front_end: str, model: str) -> dict[str, Any]:
    """Setting -> value of a model: from the configuration, else from the specification of a run, else nothing."""
    config = results.config
    if config is not None and model in config.models and front_end in config.front_ends:
        shared = grid.shared_by_runs(config, dataset, front_end, model)
        found = {"recurrent": shared["recurrent"], "training": shared["training"].plain}
    else:
        found = _recorded(results, dataset, front_end, model)
    return DEFAULTS | {name: value for part in ("recurrent", "training") for name, value in found.get(part, {}).items()}


def _recorded(results: Results, *place: str) -> dict[str, dict[str, Any]]:
    for record in results.records_of(*place)["record"]:
        file = (results.root / record).with_name("specification.yaml")
        if file.is_file():
            found = yaml.safe_load(file.read_text())
            return {part: found.get(part) or {} for part in ("recurrent", "training")}
    return {}


def differences(results: Results, dataset: str, front_end: str, pairs: dict[str, tuple[str, str]]) -> str:
    """How the second model of each pair differs from the first, as text; `pairs` has a model's family as key.

    A change that all families share is told once, any other with the families that it concerns.
    """
    changes: dict[str, dict[tuple[str, str], list[str]]] = {}
    for family, models in pairs.items():
        one, two = (of(results, dataset, front_end, model) for model in models)
        for name in dict.fromkeys([*one, *two]):
            values = str(one.get(name, "none")), str(two.get(name, "none"))
            if values[0] != values[1]:
                changes.setdefault(name, {}).setdefault(values, []).append(family)
    return "; ".join(_change(results, name, by_values, len(pairs)) for name, by_values in changes.items())


def _change(results: Results, name: str, by_values: dict[tuple[str, str], list[str]], everyone: int) -> str:
    parts = []
    for (one, two), families in by_values.items():
        labels = ", ".join(layouts.model_label(results.layout, family) for family in families)
        parts.append(f"{one} to {two}" + ("" if len(families) == everyone else f" ({labels})"))
    return f"{name.replace('_', ' ')} from {', '.join(parts)}"
