"""Synthetic records: numbers drawn from a formula, labelled as such, in the files that training writes."""

import csv
import json
import math
import random
from pathlib import Path

import yaml

from workflow.storage import seal

WEIGHTS = {
    "chance": (0, 0),
    "nearest_neighbour": (0, 0),
    "linear": (0, 0),
    "thumbnail_lstm": (4000, 400),
    "lstm": (58_982_400, 262_144),
    "tt_lstm": (3360, 262_144),
    "tr_lstm": (1575, 262_144),
    "bt_lstm": (3392, 262_144),
    "ht_lstm": (1245, 262_144),
    "fdht_lstm": (3648, 0),
}
SKILL = dict(zip(WEIGHTS, (0.125, 0.30, 0.28, 0.42, 0.45, 0.50, 0.52, 0.51, 0.55, 0.62), strict=True))
SHAPES = {
    "lstm": {"format": "dense"},
    "tt_lstm": {
        "format": "tensor_train",
        "input_modes": [8, 20, 20, 18],
        "output_modes": [4, 4, 4, 4],
        "ranks": 4,
    },
    "tr_lstm": {
        "format": "tensor_ring",
        "input_modes": [4, 2, 5, 8, 6, 5, 3, 2],
        "output_modes": [4, 4, 2, 4, 2],
        "ranks": 5,
    },
    "bt_lstm": {
        "format": "block_term",
        "input_modes": [8, 20, 20, 18],
        "output_modes": [4, 4, 4, 4],
        "ranks": 4,
        "blocks": 2,
    },
    "ht_lstm": {
        "format": "hierarchical_tucker",
        "input_modes": [8, 10, 10, 9, 8],
        "output_modes": [4, 4, 2, 4, 2],
        "leaf_rank": 4,
        "inner_rank": 5,
        "tree": [[1, 2], [3, [4, 5]]],
    },
    "fdht_lstm": {
        "format": "fully_decomposed",
        "input_modes": [9, 10, 10, 9, 8],
        "output_modes": [4, 4, 2, 4, 2],
        "ranks": 8,
        "tree": [[1, 2], [3, [4, 5]]],
    },
}
HOSTILE = '</script><script>document.title="broken"</script><img src=x onerror=alert(1)> & "quotes"'
CLASSES = ["circle", "diagonal", "down", "left", "right", "shake", "up", "zoom"]


def record(model="fdht_lstm", protocol="group", fold=0, seed=0, dataset="demo", front_end="pixels", **other):
    """A synthetic result.json; `other` replaces its keys."""
    draw = random.Random(f"{dataset}{front_end}{model}{protocol}{fold}{seed}")
    base = SKILL.get(model, 0.5) + (0.25 if protocol == "random" else 0.0)
    accuracy = round(min(1.0, max(0.0, base + draw.gauss(0, 0.02))), 4)
    W, U = WEIGHTS.get(model, (1000, 1000))
    values = {
        "dataset": dataset,
        "front_end": front_end,
        "model": model,
        "protocol": protocol,
        "fold": fold,
        "seed": seed,
        "family": next((name for name in sorted(WEIGHTS, key=len, reverse=True) if model.startswith(name)), model),
        "recipe": "authors" if model.endswith("_authors") else "ours",
        "status": "ok",
        "test_accuracy": accuracy,
        "final_epoch_accuracy": min(1.0, round(accuracy + 0.01, 4)),
        "best_epoch_accuracy": min(1.0, round(accuracy + 0.03, 4)),
        "validation_accuracy": accuracy,
        "test_top5": min(1.0, round(accuracy + 0.2, 4)),
        "test_macro_f1": round(accuracy * 0.98, 4),
        "epochs": 20,
        "best_epoch": 15,
        "parameters": {"W": W, "U": U, "bias": 1024, "classifier": 2056},
        "train_seconds": round(10 + math.log1p(W + U), 3),
        "step_ms": round(5 + (W + U) / 1e6, 3),
        "peak_memory_mb": round(100 + 8 * (W + U) / 1e6, 1),
        "device": "synthetic (no run)",
        "data_digest": "synthetic",
        "split_digest": f"synthetic-{protocol}-{fold}",
        "git_commit": "0" * 40,
    }
    return values | other


def write_run(root: Path, values: dict, extras: bool = True) -> Path:
    """Write a run's folder below root/runs and return it; `extras` adds curve, predictions, specification."""
    place = "{dataset}/{front_end}/{model}/{protocol}/fold{fold}/seed{seed}".format(**values)
    folder = root / "runs" / place
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "result.json").write_text(json.dumps(seal.sealed(values)))
    if not extras:
        return folder
    trained = values["model"] not in ("chance", "nearest_neighbour")
    draw = random.Random(place)
    with (folder / "metrics.jsonl").open("w") as stream:
        for epoch in range(1, values["epochs"] + 1) if trained else ():
            share = 1 - math.exp(-epoch / 6)
            loss, test = 2.1 * (1 - share) + 0.05 + draw.random() / 20, (values["test_accuracy"] or 0) * share
            line = {
                "epoch": epoch,
                "train_loss": loss,
                "train_accuracy": share,
                "validation_loss": loss + 0.2,
            }
            line |= {"validation_accuracy": test, "test_loss": loss + 0.3, "test_accuracy": test}
            stream.write(json.dumps(line | {"learning_rate": 0.001, "seconds": 0.5}) + "\n")
    confusion = [[0] * len(CLASSES) for _ in CLASSES]
    with (folder / "predictions.csv").open("w", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(["clip", "label", "predicted", "probability", "siblings"])
        for index in range(24):
            label = index % len(CLASSES)
            hit = draw.random() < (values["test_accuracy"] or 0)
            siblings = index % 3 if values["protocol"] == "random" else 0
            predicted = label if hit else draw.randrange(8)
            confusion[label][predicted] += 1
            writer.writerow([f"synthetic/{index}.avi", label, predicted, 0.5, siblings])
    values = {"classes": CLASSES, "confusion": confusion} | values
    (folder / "result.json").write_text(json.dumps(seal.sealed(values)))
    shape = SHAPES.get(values["model"], {"format": values["model"]})
    recurrent = {**shape, "hidden_size": 256, "input_size": 57600}
    identity = {name: values[name] for name in ("dataset", "front_end", "model", "protocol", "fold", "seed")}
    specification = identity | {"recurrent": recurrent, "training": {"epochs": 20}}
    (folder / "specification.yaml").write_text(yaml.safe_dump(specification, sort_keys=False))
    (folder / "environment.json").write_text(json.dumps({"note": "synthetic", "packages": {"torch": "0"}}))
    return folder


def write_grid(root: Path, models=tuple(WEIGHTS), protocols=("group", "random"), folds=2, seeds=2, **other):
    """A whole grid of synthetic runs below `root`."""
    extras = other.pop("extras", True)
    for model in models:
        for protocol in protocols:
            for fold in range(folds):
                for seed in range(seeds):
                    write_run(root, record(model, protocol, fold, seed, **other), extras)
    return root


LEAKAGE = "dataset,protocol,fold,n_train,n_validation,n_test,test_with_sibling_in_train"
LEAKAGE_LATER = (
    ",test_with_sibling_of_any_class,n_train_sources,n_validation_sources,n_test_sources,train_sources_per_class"
)


def write_leakage(root: Path, dataset="demo", folds=2, across=0.0, train=160, later=True) -> None:
    """A leakage.csv as the splits write it: every test clip of `random` has a sibling in train, none of `group`.

    Under group `across` of the test clips have a source in train in another class, and `train` clips are trained on.
    later: with the columns that records of earlier versions lack.
    """
    rows = [LEAKAGE + LEAKAGE_LATER * later]
    for protocol, share, any_class, n_train in (("group", 0, across, train), ("random", 1, 1, 160)):
        more = f",{any_class},20,4,6,{2.5 if protocol == 'group' else 3}" * later
        rows += [f"{dataset},{protocol},{fold},{n_train},32,48,{share}{more}" for fold in range(folds)]
    folder = root / "data" / dataset
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "leakage.csv").write_text("\n".join(rows) + "\n")
