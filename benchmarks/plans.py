"""Time the engine's chosen plan against every other plan, over a grid of shapes and row counts."""

import itertools

import torch

import baselines
from benchmarks import measure
from benchmarks.cases import cases
from fdht import TensorMap
from fdht.engine import costs, plans
from fdht.engine.apply import Planner, apply, prepare

SHAPES = [
    *(entry for case in cases() for entry in case.declared.values() if entry["format"] != "dense"),
    {"format": "tensor_train", "input_size": 512, "hidden_size": 64, "input_modes": [8] * 3, "output_modes": [4] * 3,
     "ranks": 16},
    {"format": "hierarchical_tucker", "input_size": 64, "hidden_size": 64, "input_modes": [4] * 3,
     "output_modes": [4] * 3, "ranks": 4, "tree": "left"},
]  # fmt: skip
ROWS = (1, 16, 96)
SKIP_ABOVE = 4  # skip plans whose estimated time exceeds this multiple of the chosen plan's


def compare(device: str, repetitions: int) -> list[dict]:
    """Return a row per shape, input dtype and row count: times (ms) of the chosen and of the fastest plan."""
    table = []
    for entry in SHAPES:
        layer = TensorMap(baselines.declare(**entry).W, device=device)
        for kind, rows in itertools.product(("float32", "uint8"), ROWS):
            shape = f"{entry['input_size']}-{4 * entry['hidden_size']}"
            about = {"format": entry["format"], "shape": shape, "input": kind, "rows": rows}
            table.append({**about, **_compare_plans(layer, rows, kind, device, repetitions)})
    return table


def _compare_plans(layer: TensorMap, rows: int, kind: str, device: str, repetitions: int) -> dict:
    network = layer.network
    x = torch.randint(0, 256, (rows, network.input_size), dtype=torch.uint8, device=device)
    x = x.to(getattr(torch, kind))
    planner = Planner(network)
    chosen, machine = planner.plan(rows, x), planner.machine(x)
    limit = SKIP_ABOVE * costs.cost(network, chosen, rows, machine).seconds
    calls = {}
    for plan in plans.plans(network):
        if costs.cost(network, plan, rows, machine).seconds <= limit:
            calls[str(plan)] = lambda plan=plan: apply(prepare(plan, network, layer.tensors()), x).sum().backward()
    times = {name: t.min_ms for name, t in measure.take_turns(calls, repetitions, device, 1, settled=0).items()}
    best, chosen_ms = min(times, key=times.__getitem__), times[str(chosen)]
    return {
        "chosen": str(chosen),
        "chosen_ms": chosen_ms,
        "best": best,
        "best_ms": times[best],
        "ratio": chosen_ms / times[best],
        "plans": len(times),
    }
