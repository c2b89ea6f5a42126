"""Write one Slurm job array that trains what is missing, for clusters that count or limit jobs.

Prints the commands that submit it. When it has ended, `./reproduce CONFIG` makes the tables and repeats what failed.
Any other option goes to Snakemake, which first prepares the data that the runs read.
"""

import re
import shlex
import sys
from pathlib import Path
from typing import Any

import yaml
from jinja2 import StrictUndefined, Template

from workflow.commands.pipeline import prepare, snakemake
from workflow.commands.selection import Chosen, of_runs
from workflow.experiments.states import DONE, FAILED, states
from workflow.storage.errors import InputError

LARGEST = 1000  # tasks of an array, if the cluster's MaxArraySize is unknown
NOTICE = 120  # seconds between the signal and the task's time limit
SCRIPT = Path(__file__).with_suffix(".sbatch")


def write(config_file: str, results: Path, folders: list[str], profile: Path, environment: Path) -> list[str]:
    """Write RESULTS/array/{runs.txt, train.sbatch} for the runs `folders`. Return the commands that submit it.

    profile: a config.yaml with the partition, account, GPU, time and memory of `train`. environment: contains bin/.
    """
    folder = results / "array"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "runs.txt").write_text("".join(f"{run}\n" for run in folders))
    options = {
        "job-name": f"{results.name}-train",
        "output": f"{folder}/%A_%a.log",
        "open-mode": "append",
        "signal": f"B:USR1@{NOTICE}",
        **requested(yaml.safe_load(profile.read_text())),
    }
    script = Template(SCRIPT.read_text(), undefined=StrictUndefined, keep_trailing_newline=True).render(
        directives="\n".join(f"#SBATCH --{key}={shlex.quote(str(value))}" for key, value in options.items()),
        config=shlex.quote(config_file),
        root=shlex.quote(str(Path.cwd())),
        folder=folder,
        results=results,
        path=shlex.quote(str(environment / "bin")),
    )
    (folder / "train.sbatch").write_text(script)
    return [
        f"FIRST={start + 1} sbatch --array=0-{min(LARGEST, len(folders) - start) - 1} {folder}/train.sbatch"
        for start in range(0, len(folders), LARGEST)
    ]


def requested(profile: dict[str, Any]) -> dict[str, Any]:
    """Return the resources that a profile of the Slurm plugin requests for `train`, as options of sbatch."""
    resources = {**profile.get("default-resources", {}), **profile.get("set-resources", {}).get("train", {})}
    names = {"slurm_partition": "partition", "slurm_account": "account", "gres": "gres", "runtime": "time"}
    names |= {"mem_mb": "mem", "constraint": "constraint", "qos": "qos"}
    # "60 * attempt" is 60 for the first attempt
    first = {key: re.sub(r" *\* *attempt$", "", str(value)) for key, value in resources.items()}
    found = {option: first[key] for key, option in names.items() if key in first}
    return {"cpus-per-task": profile.get("set-threads", {}).get("train", 1), **found}


@of_runs
def main(chosen: Chosen) -> int:
    if chosen.changes:
        raise InputError("array trains what the file of the configuration describes; make the changes of --set there")
    prepare(chosen.file, chosen.others)
    results = Path("results", chosen.config.name)
    inputs = {run: results / "inputs" / run.dataset / run.front_end / f"{run.model}.sha256" for run in chosen.runs}
    if code := snakemake(chosen.file, [*chosen.others, "--", *dict.fromkeys(map(str, inputs.values()))]):
        return code
    left = []
    for run, state in states(chosen.config, chosen.runs).items():
        record = results / "runs" / run.folder / "result.json"
        if state.name not in (DONE, FAILED) or record.stat().st_mtime < inputs[run].stat().st_mtime:
            left.append(run.folder)
    if not left:
        print("reproduce: nothing is left to train", file=sys.stderr)
        return 0
    submit = write(chosen.file, results, left, Path("profiles/slurm/config.yaml"), Path(sys.prefix))
    print(f"reproduce: {len(left)} runs are left; submit them, wait, then start ./reproduce {chosen.file} again:")
    print("\n".join(submit))
    return 0
