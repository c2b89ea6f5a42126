"""predictions.csv: the test clips of a run with their label and what the model said."""

import json
from pathlib import Path

import numpy as np
import pandas as pd

from workflow.datasets.catalogue import CATALOGUE
from workflow.reporting.results import Results


def read(path: str | Path) -> pd.DataFrame | None:
    """Columns label and predicted as text; None where there is no such file or it lacks them."""
    try:
        table = pd.read_csv(path, usecols=["label", "predicted"], dtype=str, keep_default_na=False)
    except (FileNotFoundError, ValueError):
        return None
    return table


def class_names(results: Results, dataset: str) -> list[str] | None:
    """Names of the classes in the order of their labels: from the data's frames.json, else the catalogue."""
    for file in sorted(results.root.rglob("frames.json")):
        if file.parent.name == dataset:
            found = json.loads(file.read_text()).get("classes")
            if found:
                return [str(name) for name in found]
    return sorted(CATALOGUE[dataset].classes) if dataset in CATALOGUE else None


def confusion(results: Results, *setting: str) -> tuple[np.ndarray, list[str], int]:
    """Counts (true class, predicted class) summed over the runs of a setting, class names, and runs counted."""
    runs = results.successful(*setting)
    tables = [read((results.root / record).with_name("predictions.csv")) for record in runs["record"]]
    tables = [table for table in tables if table is not None and len(table)]
    if not tables:
        return np.zeros((0, 0), dtype=int), [], 0
    both = pd.concat(tables, ignore_index=True)
    found = sorted(set(both["label"]) | set(both["predicted"]), key=_numeric)
    names = class_names(results, setting[0])
    if all(text.isdigit() for text in found):  # labels are indices
        count = max(int(text) for text in found) + 1
        known = names is not None and len(names) >= count
        keys = [str(index) for index in range(len(names) if known else count)]
        shown = names if known else keys
    else:
        keys = shown = found
    place = {key: index for index, key in enumerate(keys)}
    matrix = np.zeros((len(keys), len(keys)), dtype=int)
    np.add.at(matrix, (both["label"].map(place).to_numpy(), both["predicted"].map(place).to_numpy()), 1)
    return matrix, list(shown), len(tables)


def _numeric(text: str) -> tuple[int, str]:
    return (int(text) if text.isdigit() else -1, text)
