"""One experiment at a time: `./reproduce CONFIG run ...` trains a part of the grid, `list` shows it, `array` has it
trained by Slurm.

    ./reproduce paper run ucf11 pixels fdht_lstm --fold 0 --seed 1     one run
    ./reproduce paper run --model fdht_lstm                            all its data sets, folds and seeds
    ./reproduce paper run ucf11 --set training.learning_rate=0.003     kept apart, under a name of its own
    ./reproduce paper list --model fdht_lstm                           the state of each
    ./reproduce paper array --model fdht_lstm                          what is left of it as one Slurm job array

What `run` does not know (-n, --profile profiles/slurm, ...) goes to Snakemake.
"""

import argparse
import hashlib
import json
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import yaml

from workflow.commands import array
from workflow.datasets.front_ends import EXTRACTED
from workflow.experiments import states
from workflow.experiments.configuration import Configuration, complete, retyped
from workflow.experiments.configuration_file import load_own
from workflow.experiments.grid import check_models, runs
from workflow.experiments.problems import ConfigurationError
from workflow.experiments.run import Run
from workflow.experiments.words import did_you_mean
from workflow.training import finished

AXES = ("dataset", "front_end", "model", "protocol", "fold", "seed")
DRY = {"-n", "--dry-run", "--dryrun"}
OWN_DATA = ("datasets", "frames", "splits", "protocols", *EXTRACTED)  # a change of these changes the prepared data


def select(grid: list[Run], wanted: dict[str, str | int | None]) -> list[Run]:
    """The runs of `grid` that agree with `wanted` on each axis it names; a name no run has is an error."""
    chosen = grid
    for axis, value in wanted.items():
        if value is None:
            continue
        known = list(dict.fromkeys(getattr(run, axis) for run in grid))
        if value not in known:
            raise ConfigurationError(f"{axis}: no run has {value!r}; {did_you_mean(value, known)}")
        chosen = [run for run in chosen if getattr(run, axis) == value]
    if not chosen:
        raise ConfigurationError(f"no run of the grid has all of {wanted}")
    return chosen


def overlay(settings: list[str]) -> dict[str, Any]:
    """['training.epochs=5'] -> {'training': {'epochs': 5}}; values are YAML."""
    changes: dict[str, Any] = {}
    for setting in settings:
        path, equals, value = setting.partition("=")
        if not equals or not path:
            raise ConfigurationError(f"--set {setting}: expected KEY=VALUE, for instance training.epochs=5")
        place = changes
        *parents, last = path.split(".")
        for key in parents:
            place = place.setdefault(key, {})
            if not isinstance(place, dict):
                raise ConfigurationError(f"--set {setting}: {key} was set to {place!r} before; expected one of the two")
        try:
            place[last] = retyped(yaml.safe_load(value))
        except yaml.YAMLError as error:
            problem = getattr(error, "problem", None) or str(error).splitlines()[0]
            raise ConfigurationError(f"--set {setting}: not valid YAML: {problem}") from None
    return changes


def variant(config: Configuration, changes: dict[str, Any]) -> dict[str, Any]:
    """`changes` under a name of their own, so that results lie apart; data are shared where they can be."""
    if not changes:
        return {}
    digest = hashlib.sha256(json.dumps(changes, sort_keys=True).encode()).hexdigest()[:8]
    shared = {} if any(key in changes for key in OWN_DATA) else {"data": config.data_owner}
    return {**changes, "name": f"{config.name}-{digest}", **shared}


def merged(base: Any, over: Any) -> Any:
    """`over` laid over `base`, mapping by mapping."""
    if not (isinstance(base, dict) and isinstance(over, dict)):
        return over
    return {key: merged(base.get(key), over[key]) if key in over else base[key] for key in {**base, **over}}


def parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="./reproduce CONFIG",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,  # what is cut short may be an option of Snakemake
    )
    parser.add_argument("command", choices=["run", "list", "status", "array"])
    parser.add_argument("dataset", nargs="?")
    parser.add_argument("front_end", nargs="?")
    parser.add_argument("model", nargs="?")
    parser.add_argument("--configuration", required=True, help=argparse.SUPPRESS)
    for axis in AXES:
        parser.add_argument(
            f"--{axis.replace('_', '-')}",
            dest=f"only_{axis}",
            type=int if axis in ("fold", "seed") else str,
            metavar=axis.upper(),
        )
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="change the configuration")
    parser.add_argument("--force", action="store_true", help="run again what is done")
    return parser


def main(arguments: list[str]) -> int:
    options, rest = parser().parse_known_args(arguments)
    try:
        base = load_own(options.configuration)
        changes = variant(base, overlay(options.set))
        config = complete(merged(base.plain, changes), options.configuration)
        check_models(config, options.configuration)
        wanted = {axis: getattr(options, f"only_{axis}") for axis in AXES}
        for axis in AXES[:3]:
            wanted[axis] = getattr(options, axis) or wanted[axis]
        chosen = select(runs(config), wanted)
        if options.command == "array" and (changes or options.force):
            raise ConfigurationError("array takes neither --set nor --force; it trains what is left of a configuration")
    except ConfigurationError as error:
        print(f"reproduce: {error}", file=sys.stderr)
        return 2
    folders = [Path("results", config.name, "runs", run.folder) for run in chosen]
    if options.command == "status":
        print(states.overview(config, time.time()), end="")
        return 0
    if options.command == "list":
        print(states.listing(states.states(config, chosen)))
        return 0
    results = f"results/{config.name}"
    command = [sys.executable, "-m", "snakemake", "--configfile", options.configuration]
    command += ["--nolock", *rest]  # the launcher holds the lock
    if options.command == "array":
        return _array(config, options.configuration, chosen, command)
    print(f"reproduce: {len(chosen)} run{'s' * (len(chosen) > 1)} -> {results}/runs", file=sys.stderr)
    print(
        f"reproduce: then ./reproduce tables --from {results} --output DIR for tables of what is there", file=sys.stderr
    )
    if changes:
        command += ["--config", *(f"{key}={json.dumps(value)}" for key, value in changes.items())]
    if options.force:
        command += ["--forcerun", "train"]
        for run in chosen if not DRY & set(rest) else ():  # or the record that is kept would end it at once
            finished.give_up(Path(results, "checkpoints", run.folder))
    code = _done([*command, "--", *(str(folder / "result.json") for folder in folders)])
    if DRY & set(rest):
        return code
    found = states.states(config, chosen)
    print(states.listing(found))
    return code or int(any(entry.name != "done" for entry in found.values()))


def _done(command: list[str]) -> int:
    """The exit code of a command that is told, as this process is, to stop, and that holds the lock of the launcher."""
    process = subprocess.Popen(command, close_fds=False)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the terminal sends it to both
    signal.signal(signal.SIGTERM, lambda *_: process.terminate())
    return process.wait()


def _array(config: Configuration, file: str, chosen: list[Run], command: list[str]) -> int:
    """Prepare what the runs read, then write the script for those that are not trained since."""
    results = Path("results", config.name)
    inputs = {run: results / "inputs" / run.dataset / run.front_end / f"{run.model}.sha256" for run in chosen}
    if code := _done([*command, "--", *dict.fromkeys(map(str, inputs.values()))]):
        return code
    records = {run: results / "runs" / run.folder / "result.json" for run in chosen}
    left = [
        run.folder
        for run, state in states.states(config, chosen).items()
        if state.name not in ("done", "failed") or records[run].stat().st_mtime < inputs[run].stat().st_mtime
    ]
    if not left:
        print("reproduce: nothing is left to be trained", file=sys.stderr)
        return 0
    submit = array.write(file, config.name, left, Path("profiles/slurm/config.yaml"), Path(sys.prefix))
    print(f"reproduce: {len(left)} runs are left; submit them, wait, then start ./reproduce {file} again:")
    print("\n".join(submit))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
