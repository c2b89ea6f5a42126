"""Write one Slurm job array that trains what is missing, for clusters that count or limit jobs.

Prints the commands that submit it. When it has ended, `./reproduce CONFIG` makes the tables and repeats what failed.
Any other option goes to Snakemake, which first prepares the data that the runs read.
"""

import shlex
import sys
from pathlib import Path
from typing import Any

import typer
import yaml

from workflow.commands import selection
from workflow.commands.pipeline import Request, prepare, snakemake
from workflow.commands.run import split
from workflow.experiments.configuration import Configuration
from workflow.experiments.run import Run
from workflow.experiments.states import DONE, FAILED, states

__all__ = ["main", "split"]

LARGEST = 1000  # tasks of an array, unless the cluster's MaxArraySize says otherwise
NOTICE = 120  # seconds between the signal and the end of a task's time
# `wait` ends when the signal comes; Snakemake would wait for the run, so the signal is passed on to the run itself
SCRIPT = """\
#!/bin/bash
{directives}
# Written by `./reproduce {config} array`: task N trains line FIRST + N of runs.txt.
cd {root} || exit 1
run=$(sed -n "$((${{FIRST:-1}} + SLURM_ARRAY_TASK_ID))p" {folder}/runs.txt)
leave() {{ # the time is nearly over: the run saves its state and ends, and this task is queued again
    pkill -TERM -f "^[^ ]*python[^ ]* -m workflow.training.run .* --output {results}/runs/$run "
    wait "$work"
    # not by SLURM_JOB_ID: the last task's is that of the whole array
    scontrol requeue "${{SLURM_ARRAY_JOB_ID}}_$SLURM_ARRAY_TASK_ID"
}}
trap leave USR1
PATH={path}:$PATH
python -m snakemake --configfile {config} --nolock --cores "${{SLURM_CPUS_PER_TASK:-1}}" --rerun-incomplete \\
    --show-failed-logs --allowed-rules train -- "{results}/runs/$run/result.json" &
work=$!
wait "$work"
"""


def write(config_file: str, name: str, folders: list[str], profile: Path, environment: Path) -> list[str]:
    """Write results/NAME/array/{runs.txt, train.sbatch} for the runs `folders`. Return the commands that submit it.

    profile: a config.yaml with the partition, account, GPU, time and memory of `train`. environment: holds bin/.
    """
    results = Path("results", name)
    folder = results / "array"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "runs.txt").write_text("".join(f"{run}\n" for run in folders))
    options = {
        "job-name": f"{name}-train",
        "output": f"{folder}/%A_%a.log",
        "open-mode": "append",
        "signal": f"B:USR1@{NOTICE}",
        **requested(yaml.safe_load(profile.read_text())),
    }
    directives = [f"#SBATCH --{key}={shlex.quote(str(value))}" for key, value in options.items()]
    script = SCRIPT.format(
        directives="\n".join([*directives, "#SBATCH --requeue"]),
        config=shlex.quote(config_file),
        root=shlex.quote(str(Path.cwd())),
        folder=folder,
        results=results,
        path=shlex.quote(str(environment / "bin")),
    )
    (folder / "train.sbatch").write_text(script)
    starts = range(0, len(folders), LARGEST)
    return [
        f"FIRST={start + 1} sbatch --array=0-{min(LARGEST, len(folders) - start) - 1} {folder}/train.sbatch"
        for start in starts
    ]


def requested(profile: dict[str, Any]) -> dict[str, Any]:
    """What a profile of the Slurm plugin requests for `train`, as options of sbatch."""
    resources = {**profile.get("default-resources", {}), **profile.get("set-resources", {}).get("train", {})}
    names = {"slurm_partition": "partition", "slurm_account": "account", "gres": "gres", "runtime": "time"}
    names |= {"mem_mb": "mem", "constraint": "constraint", "qos": "qos"}
    found = {option: _first(resources[key]) for key, option in names.items() if key in resources}
    return {"cpus-per-task": profile.get("set-threads", {}).get("train", 1), **found}


def _first(value: Any) -> Any:
    """The value of the first attempt: "60 * attempt" is 60."""
    number, times, attempt = str(value).partition("*")
    return int(number) if times and attempt.strip() == "attempt" else value


def main(
    context: typer.Context,
    where: selection.Where = None,
    dataset: selection.Dataset = None,
    front_end: selection.FrontEnd = None,
    model: selection.Model = None,
    protocol: selection.Protocol = None,
    fold: selection.Fold = None,
    seed: selection.Seed = None,
) -> int:
    request: Request = context.obj
    axes = selection.axes(where, dataset, front_end, model, protocol, fold, seed)
    chosen = selection.choose(request.config, axes, [])
    prepare(request)
    config, inputs = chosen.config, {run: _inputs(chosen.config, run) for run in chosen.runs}
    if code := snakemake(request.config, [*request.others, "--", *dict.fromkeys(map(str, inputs.values()))]):
        return code
    left = [
        run.folder
        for run, state in states(config, chosen.runs).items()
        if state.name not in (DONE, FAILED) or _record(config, run).stat().st_mtime < inputs[run].stat().st_mtime
    ]
    if not left:
        print("reproduce: nothing is left to train", file=sys.stderr)
        return 0
    submit = write(request.config, config.name, left, Path("profiles/slurm/config.yaml"), Path(sys.prefix))
    print(f"reproduce: {len(left)} runs are left; submit them, wait, then start ./reproduce {request.config} again:")
    print("\n".join(submit))
    return 0


def _inputs(config: Configuration, run: Run) -> Path:
    """The listing of everything that a run reads and executes."""
    return Path("results", config.name, "inputs", run.dataset, run.front_end, f"{run.model}.sha256")


def _record(config: Configuration, run: Run) -> Path:
    return Path("results", config.name, "runs", run.folder, "result.json")


main.__doc__ = __doc__
