"""Training as one Slurm job array: `./reproduce CONFIG array` writes it, for clusters that count or limit jobs.

Every task asks Snakemake for one run, so that what it made counts as made; none waits on a login node. Tables come
from `./reproduce CONFIG` afterwards, which also repeats what failed.
"""

import shlex
from pathlib import Path
from typing import Any

import yaml

LARGEST = 1000  # tasks of an array, unless the cluster's MaxArraySize says otherwise
NOTICE = 120  # seconds before the end of its time at which a task is told
# `wait` ends when the signal comes; Snakemake itself would wait for the run, so the run is told
SCRIPT = """\
#!/bin/bash
{directives}
# Written by `./reproduce {config} array`: task N trains line FIRST + N of runs.txt.
cd {root} || exit 1
run=$(sed -n "$((${{FIRST:-1}} + SLURM_ARRAY_TASK_ID))p" {folder}/runs.txt)
leave() {{ # its time is nearly over: the run saves and leaves, and this task waits for another turn
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
    """Write results/NAME/array/{runs.txt, train.sbatch} for the runs `folders`; the commands that submit it.

    profile: its config.yaml has the partition, account, GPU, time and memory of `train`. environment: holds bin/.
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
        **asked(yaml.safe_load(profile.read_text())),
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


def asked(profile: dict[str, Any]) -> dict[str, Any]:
    """What a profile of the Slurm plugin asks for `train`, as options of sbatch."""
    resources = {**profile.get("default-resources", {}), **profile.get("set-resources", {}).get("train", {})}
    names = {"slurm_partition": "partition", "slurm_account": "account", "gres": "gres", "runtime": "time"}
    names |= {"mem_mb": "mem", "constraint": "constraint", "qos": "qos"}
    found = {option: _first(resources[key]) for key, option in names.items() if key in resources}
    return {"cpus-per-task": profile.get("set-threads", {}).get("train", 1), **found}


def _first(value: Any) -> Any:
    """The first attempt's: "60 * attempt" is 60."""
    number, times, attempt = str(value).partition("*")
    return int(number) if times and attempt.strip() == "attempt" else value
