"""Time and memory that Snakemake takes to plan the paper's grid, against the number of runs.

python -m benchmarks.dag --seeds 1 --seeds 5 --seeds 50 --output results/benchmarks/dag.csv

`dry run` prints every job of an empty folder (`snakemake -n`), `graph` only builds the graph (`--dag`), `nothing to be
done` is a start after everything has been made (the files are empty, their provenance is Snakemake's own). Seconds are
processor time, so that other work on the machine matters little. Draws dag.png next to the CSV file.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import pandas as pd
from typer import Option

from benchmarks import measure
from workflow.experiments import grid
from workflow.experiments.configuration_file import load
from workflow.storage.command_line import command_line
from workflow.storage.errors import InputError

ROOT = Path(__file__).resolve().parent.parent
PARTS = ("Snakefile", "workflow", "baselines", "fdht", "config", "profiles", "paper", "environment.yml",
         "requirements.txt")  # fmt: skip
SNAKEMAKE = (sys.executable, "-m", "snakemake")
COMMANDS = {"dry run": ["-n"], "graph": ["--dag"], "nothing to be done": []}
LIMITS = {"cpu_s": ("processor time, s", 60), "peak_mb": ("peak memory, MB", 2000)}
# --touch pauses for every job, a second for ten of them, which is of no use here
TOUCH = (
    "from snakemake.executors import touch; touch.Executor.SLEEPING_TIME = 0; from snakemake.cli import main; main()"
)


def usage(command: list[str], folder: Path) -> tuple[float, float, str]:
    """Processor seconds, peak memory (MB) and output of a command, which must succeed."""
    with tempfile.TemporaryFile("w+") as log:
        process = subprocess.Popen(command, cwd=folder, stdout=log, stderr=subprocess.STDOUT)
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        log.seek(0)
        text = log.read()
    if process.returncode:
        raise InputError(f"{' '.join(command)} failed:\n{text[-2000:]}")
    return used.ru_utime + used.ru_stime, used.ru_maxrss / 1024, text


def rows(config: str, seeds: int) -> Iterator[dict]:
    """Yield a row per command, run in a copy of the code."""
    with tempfile.TemporaryDirectory() as folder:
        project = Path(folder)
        for part in PARTS:
            copy = shutil.copytree if (ROOT / part).is_dir() else shutil.copy
            copy(ROOT / part, project / part)
        n = len(grid.runs(load(project / config).model_copy(update={"seeds": list(range(seeds))})))
        options = ["--configfile", config, "--cores", "2", "--config", f"seeds={json.dumps(list(range(seeds)))}"]
        for name, command in COMMANDS.items():
            if name == "nothing to be done":
                pretend(project, options)
            cpu, memory, text = usage([*SNAKEMAKE, *command, *options], project)
            if name == "nothing to be done" and "Nothing to be done" not in text:
                raise InputError(f"something is left to be done:\n{text[-2000:]}")
            yield {"runs": n, "what": name, "cpu_s": cpu, "peak_mb": memory}


def pretend(project: Path, options: list[str]) -> None:
    """Make every output as an empty file, and let Snakemake believe that its jobs made them."""
    for line in usage([*SNAKEMAKE, "--summary", *options], project)[2].splitlines():
        name, tab, _ = line.partition("\t")
        if tab and name.startswith(("results/", "resources/")):
            (project / name).parent.mkdir(parents=True, exist_ok=True)
            (project / name).touch()
    many = [*options, "--cores", "500", "--scheduler", "greedy", "--scheduler-subsample", "500"]
    usage([sys.executable, "-c", TOUCH, "--touch", "--forceall", *many], project)


def draw(table: pd.DataFrame, output: Path) -> None:
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    plt.style.use(ROOT / "paper" / "style.mplstyle")
    figure, axes = plt.subplots(1, 2, figsize=(7, 2.4), layout="constrained")
    for axis, (column, (label, limit)) in zip(axes, LIMITS.items(), strict=True):
        table.pivot(index="runs", columns="what", values=column).plot(ax=axis, marker="o", legend=axis is axes[0])
        axis.axhline(limit, color="black", linewidth=0.6, linestyle=":")
        axis.set(xlabel="runs", ylabel=label, xlim=(0, None), ylim=(0, 1.1 * limit))
    figure.savefig(output, metadata={"Software": None})
    plt.close(figure)


def main(
    config: str = "config/paper.yaml",
    seeds: Annotated[list[int], Option(min=1, help="seeds per fold; may be repeated")] = [1, 5, 50],  # noqa: B006
    output: measure.Output = measure.RESULTS / "dag.csv",
) -> None:
    table = measure.record(output, ([row] for number in seeds for row in rows(config, number)))
    draw(table, output.with_suffix(".png"))


if __name__ == "__main__":
    command_line(main)
