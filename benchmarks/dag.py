"""Time and memory that Snakemake takes to plan the paper's grid, against the number of runs.

    python -m benchmarks.dag --seeds 1 5 50 --output results/benchmarks/dag.csv

`dry run` prints every job of an empty folder (`snakemake -n`), `graph` only builds the graph (`--dag`), `nothing to be
done` is a start after everything has been made (the files are empty, their provenance is Snakemake's own). Seconds are
processor time, so that other work on the machine matters little. Draws dag.png beside the CSV file.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from workflow.experiments import grid
from workflow.experiments.configuration_file import load
from workflow.storage.files import write_csv

ROOT = Path(__file__).resolve().parent.parent
PARTS = (
    "Snakefile",
    "workflow",
    "baselines",
    "fdht",
    "config",
    "profiles",
    "paper",
    "environment.yml",
    "requirements.txt",
)
COLUMNS = ("runs", "what", "cpu_s", "peak_mb")
LABELS = ("processor time, s", "peak memory, MB")
LIMITS = {"cpu_s": 60, "peak_mb": 2000}
# --touch pauses for every job, a second for ten of them, which is of no use here
TOUCH = (
    "from snakemake.executors import touch; touch.Executor.SLEEPING_TIME = 0; from snakemake.cli import main; main()"
)


def measure(command: list[str], folder: Path, log: Path) -> tuple[float, float]:
    """Processor seconds and peak memory (MB) of a command, which must succeed."""
    with log.open("w") as stream:
        process = subprocess.Popen(command, cwd=folder, stdout=stream, stderr=subprocess.STDOUT)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        sys.exit(f"error: {' '.join(command)} failed:\n{log.read_text()[-2000:]}")
    return round(usage.ru_utime + usage.ru_stime, 1), round(usage.ru_maxrss / 1024, 1)


def rows(config: str, seeds: int, what: Sequence[str], folder: Path) -> list[dict]:
    """A row for each of `what`, in a copy of the project below `folder`."""
    project, log = folder / "project", folder / "log"
    project.mkdir()
    for part in PARTS:
        copy = shutil.copytree if (ROOT / part).is_dir() else shutil.copy
        copy(ROOT / part, project / part)
    n = len(grid.runs(load(project / config).model_copy(update={"seeds": list(range(seeds))})))
    options = ["--configfile", config, "--cores", "2", "--config", f"seeds={json.dumps(list(range(seeds)))}"]
    snakemake = [sys.executable, "-m", "snakemake"]
    commands = {"dry run": ["-n"], "graph": ["--dag"], "nothing to be done": []}
    table = []
    for name in what:
        if name == "nothing to be done":
            pretend(project, options, log)
        cpu, memory = measure([*snakemake, *commands[name], *options], project, log)
        if name == "nothing to be done" and "Nothing to be done" not in log.read_text():
            sys.exit(f"error: something is left to be done:\n{log.read_text()[-2000:]}")
        table.append({"runs": n, "what": name, "cpu_s": cpu, "peak_mb": memory})
        print(f"{n} runs, {name}: {cpu:.1f} s, {memory:.0f} MB", file=sys.stderr, flush=True)
    return table


def pretend(project: Path, options: list[str], log: Path) -> None:
    """Make every output as an empty file, and let Snakemake believe that its jobs made them."""
    measure([sys.executable, "-m", "snakemake", "--summary", *options], project, log)
    for line in log.read_text().splitlines():
        name, tab, _ = line.partition("\t")
        if tab and name.startswith(("results/", "resources/")):
            (project / name).parent.mkdir(parents=True, exist_ok=True)
            (project / name).touch()
    many = [*options, "--cores", "500", "--scheduler", "greedy", "--scheduler-subsample", "500"]
    measure([sys.executable, "-c", TOUCH, "--touch", "--forceall", *many], project, log)


def draw(table: list[dict], output: Path) -> None:
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    plt.style.use(ROOT / "paper" / "style.mplstyle")
    figure, axes = plt.subplots(1, 2, figsize=(7, 2.4), layout="constrained")
    for axis, (column, limit), label in zip(
        axes, LIMITS.items(), ("processor time, s", "peak memory, MB"), strict=True
    ):
        for what in dict.fromkeys(row["what"] for row in table):
            points = sorted((row["runs"], row[column]) for row in table if row["what"] == what)
            axis.plot(*zip(*points, strict=True), marker="o", label=what)
        axis.axhline(limit, color="black", linewidth=0.6, linestyle=":")
        axis.set(xlabel="runs", ylabel=label, xlim=(0, None), ylim=(0, 1.1 * limit))
    axes[0].legend()
    figure.savefig(output, metadata={"Software": None})
    plt.close(figure)


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--config", default="config/paper.yaml")
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 5, 50], help="each fold is run with so many seeds")
    parser.add_argument("--what", nargs="+", default=["dry run", "graph", "nothing to be done"])
    parser.add_argument("--output", type=Path, default=Path("results/benchmarks/dag.csv"))
    options = parser.parse_args(arguments)
    table = []
    for seeds in options.seeds:
        with tempfile.TemporaryDirectory() as folder:
            table += rows(options.config, seeds, options.what, Path(folder))
        options.output.parent.mkdir(parents=True, exist_ok=True)
        write_csv(options.output, COLUMNS, table)
    draw(table, options.output.with_suffix(".png"))


if __name__ == "__main__":
    main()
