"""Compare the speed of every model with other implementations: forward and training step, in turns.

./reproduce bench [--kernels] [--device cpu] [--threads 2] [--repetitions 9] [--case 57600-256] [--batch 16 --batch 64]

Writes speed.csv and plans.csv (the engine's choice of contraction and all others) to results/benchmarks/.
A training step is forward and backward; on a GPU the optimiser's step too, and our models run eagerly, compiled, and
as one CUDA graph. tednet, tensorly-torch and torch get pixels as float32, made beforehand; ours get them as uint8.
"""

import itertools
from pathlib import Path
from typing import Annotated

import torch
from typer import Option

from benchmarks import cases, kernels, measure, plans
from benchmarks.compare import FRAMES, compare
from workflow.storage.command_line import command_line


def main(
    output: Annotated[Path, Option(help="folder of the results")] = measure.RESULTS,
    device: Annotated[list[str] | None, Option(help="cpu or cuda; may be repeated; all there are by default")] = None,
    threads: Annotated[int | None, Option(min=1, help="of the CPU; its cores by default")] = None,
    repetitions: Annotated[int, Option(min=1, help="measured calls of each implementation")] = 9,
    case: Annotated[list[str] | None, Option(help="such as 57600-256; may be repeated; all by default")] = None,
    batch: Annotated[list[int], Option(min=1, help="sequences per call; may be repeated")] = [16, 64],  # noqa: B006
    model: Annotated[list[str] | None, Option(help="such as fdht_lstm; may be repeated; all by default")] = None,
    with_plans: Annotated[bool, Option("--plans/--no-plans", help="write plans.csv, too")] = True,
    with_kernels: Annotated[bool, Option("--kernels", help="measure only the CPU kernels")] = False,
) -> None:
    torch.set_num_threads(threads or torch.get_num_threads())
    known = {entry.name: entry for entry in cases.cases()}
    names = measure.chosen("--case", case, known)
    models = {name: measure.chosen("--model", model, known[name].declared) for name in names}
    if with_kernels:
        pairs = [(known[name], ours) for name in names for ours in models[name]]
        gains = (kernels.gains(*pair, size, FRAMES, repetitions) for pair in pairs for size in batch)
        measure.record(output / "kernels.csv", gains)
        return
    kinds = measure.chosen("--device", device, ["cpu", *(["cuda"] if torch.cuda.is_available() else [])])
    tables = (
        compare(known[name], models[name], size, kind, repetitions)
        for kind, name, size in itertools.product(kinds, names, batch)
    )
    measure.record(output / "speed.csv", tables)
    if with_plans:
        measure.record(output / "plans.csv", (plans.compare(kind, repetitions) for kind in kinds))


if __name__ == "__main__":
    command_line(main)
