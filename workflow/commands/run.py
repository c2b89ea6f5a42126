"""Train part of the grid: one run, or every run that matches.

\b
./reproduce paper run ucf11 pixels fdht_lstm --fold 0 --seed 1   one run
./reproduce paper run --model fdht_lstm                          all its data sets, folds and seeds
./reproduce paper run ucf11 --set training.learning_rate=0.003   with results in a separate folder

Any other option goes to Snakemake: -n shows what would be done, --profile profiles/slurm uses a cluster.
"""

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from workflow.commands.list import listing
from workflow.commands.pipeline import INTERRUPTED, is_dry, prepare, snakemake
from workflow.commands.selection import Chosen, of_runs
from workflow.experiments import grid
from workflow.experiments.experiment import NAME
from workflow.experiments.states import DONE, states
from workflow.storage.errors import InputError

WRONG_OPTION = 2  # exit status: Snakemake refused an option, so nothing has run


@of_runs
def main(
    chosen: Chosen, *, force: Annotated[bool, typer.Option("--force", help="Train again what is done.")] = False
) -> int:
    if len(grid.select(grid.runs(chosen.config), chosen.wanted)) > len(chosen.runs):
        raise InputError(f"run takes one RUN at a time; {len(chosen.runs)} runs of different folders were given")
    prepare(chosen.file, chosen.others)
    results, runs, dry = Path("results", chosen.config.name), chosen.runs, is_dry(chosen.others)
    print(f"reproduce: {len(runs)} run{'s' * (len(runs) > 1)} -> {results}/runs", file=sys.stderr)
    print(f"reproduce: for their tables: ./reproduce tables --from {results} --output DIR", file=sys.stderr)
    changes = {**chosen.changes, "only": {**chosen.wanted, "force": force}}
    options = [*chosen.others, "--config", *(f"{key}={json.dumps(value)}" for key, value in changes.items())]
    places = dict.fromkeys(f"{results}/runs/{run.experiment}/{NAME}" for run in runs)
    code = snakemake(chosen.file, [*options, "--", *places])
    if dry or code in (WRONG_OPTION, INTERRUPTED):
        return code
    found = states(chosen.config, runs)
    print(listing(found))
    return code or int(any(state.name != DONE for state in found.values()))
