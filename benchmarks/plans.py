"""The engine's choice of contraction beside every other plan, over a grid of shapes and numbers of rows."""

import itertools

import pandas as pd
import torch

import baselines
from benchmarks import measure
from fdht import TensorMap
from fdht.engine import costs, plans
from fdht.engine.apply import Planner, apply, prepare

SHAPES = {
    "tensor_train": [
        ({"input_modes": [8, 20, 20, 18], "output_modes": [4, 4, 4, 4], "ranks": 4}, 57600, 256),
        ({"input_modes": [16, 16, 8], "output_modes": [8, 16, 16], "ranks": 8}, 2048, 2048),
        ({"input_modes": [8, 8, 8], "output_modes": [4, 4, 4], "ranks": 16}, 512, 64),
    ],
    "hierarchical_tucker": [
        (
            {"input_modes": [8, 10, 10, 9, 8], "output_modes": [4, 4, 2, 4, 2], "leaf_rank": 4, "inner_rank": 5},
            57600,
            256,
        ),
        ({"input_modes": [16, 16, 8], "output_modes": [8, 16, 16], "ranks": 4}, 2048, 2048),
        ({"input_modes": [4, 4, 4], "output_modes": [4, 4, 4], "ranks": 4, "tree": "left"}, 64, 64),
    ],
    "tensor_ring": [
        ({"input_modes": [4, 2, 5, 8, 6, 5, 3, 2], "output_modes": [4, 4, 2, 4, 2], "ranks": 5}, 57600, 256),
        ({"input_modes": [64, 32], "output_modes": [32, 64], "ranks": [40, 60, 48, 48]}, 2048, 2048),
    ],
    "block_term": [
        ({"input_modes": [8, 20, 20, 18], "output_modes": [4, 4, 4, 4], "ranks": 4, "blocks": 2}, 57600, 256),
        ({"input_modes": [16, 16, 8], "output_modes": [8, 16, 16], "ranks": 4, "blocks": 2}, 2048, 2048),
    ],
}
ROWS = (1, 16, 96)
HOPELESS = 4  # plans estimated at more than this many times the chosen one are not run


def compare(device: str, repetitions: int) -> pd.DataFrame:
    """A row a shape, kind of input and number of rows: time of forward and backward of the chosen plan over that of
    the best."""
    table = []
    for name, entries in SHAPES.items():
        for parameters, D, H in entries:
            declared = baselines.declare(name, input_size=D, hidden_size=H, **parameters)
            layer = TensorMap(declared.W, device=device)
            for kind, rows in itertools.product(("float32", "uint8"), ROWS):
                about = {"format": name, "shape": f"{D}-{4 * H}", "input": kind, "rows": rows}
                table.append({**about, **_best(layer, rows, kind, device, repetitions)})
                print(*table[-1].values(), sep=" | ", flush=True)
    return pd.DataFrame(table)


def _best(layer: TensorMap, rows: int, kind: str, device: str, repetitions: int) -> dict:
    network = layer.network
    x = torch.randint(0, 256, (rows, network.input_size), dtype=torch.uint8, device=device)
    x = x.to(getattr(torch, kind))
    planner = Planner(network)
    chosen, machine = planner.plan(rows, x), planner.machine(x)
    limit = HOPELESS * costs.cost(network, chosen, rows, machine).seconds
    calls = {}
    for plan in plans.plans(network):
        if costs.cost(network, plan, rows, machine).seconds <= limit:
            calls[str(plan)] = lambda plan=plan: apply(prepare(plan, network, layer.tensors()), x).sum().backward()
    timings = measure.take_turns(calls, repetitions, device, warm_up=1, settled=0)
    best = min(timings, key=lambda name: timings[name].min_ms)
    mine = timings[str(chosen)].min_ms
    return {
        "chosen": str(chosen),
        "chosen_ms": mine,
        "best": best,
        "best_ms": timings[best].min_ms,
        "ratio": mine / timings[best].min_ms,
        "plans": len(timings),
    }
