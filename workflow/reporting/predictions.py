"""The predictions of runs on their test clips, read from predictions.csv."""

import json
from pathlib import Path

import numpy as np
import pandas as pd

from workflow.datasets.catalogue import CATALOGUE
from workflow.reporting.results import Results


def read(path: str | Path) -> pd.DataFrame | None:
    """Return the columns label and predicted as text; None without such a file or without them."""
    try:
        return pd.read_csv(path, usecols=["label", "predicted"], dtype=str, keep_default_na=False)
    except (FileNotFoundError, ValueError):
        return None


def class_names(results: Results, dataset: str) -> list[str] | None:
    """Return the names of the classes by label, from the data's frames.json, else from the catalogue."""
    for file in sorted(results.root.rglob("frames.json")):
        if file.parent.name == dataset:
            found = json.loads(file.read_text()).get("classes")
            if found:
                return [str(name) for name in found]
    return sorted(CATALOGUE[dataset].classes) if dataset in CATALOGUE else None


def confusion(results: Results, *experiment: str) -> tuple[np.ndarray, list[str], int]:
    """Return counts (true class, predicted class) over the runs of an experiment, class names, and the runs counted."""
    runs = results.successful(*experiment)
    tables = [read((results.root / record).with_name("predictions.csv")) for record in runs["record"]]
    filled = [table for table in tables if table is not None and len(table)]
    if not filled:
        return np.zeros((0, 0), dtype=int), [], 0
    both = pd.concat(filled, ignore_index=True)
    found = sorted(set(both["label"]) | set(both["predicted"]), key=_numeric)
    keys, shown = found, found
    if all(text.isdigit() for text in found):  # labels are indices
        count = max(int(text) for text in found) + 1
        names = class_names(results, experiment[0]) or []
        keys = [str(index) for index in range(max(len(names), count))]
        shown = names if len(names) >= count else keys
    place = {key: index for index, key in enumerate(keys)}
    matrix = np.zeros((len(keys), len(keys)), dtype=int)
    np.add.at(matrix, (both["label"].map(place).to_numpy(), both["predicted"].map(place).to_numpy()), 1)
    return matrix, shown, len(filled)


def _numeric(text: str) -> tuple[int, str]:
    return (int(text) if text.isdigit() else -1, text)
