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
from workflow.commands.pipeline import is_dry, prepare, snakemake
from workflow.commands.selection import Chosen, of_runs
from workflow.experiments.states import DONE, states
from workflow.training import finished

WRONG_OPTION = 2  # exit status: Snakemake refused an option, so nothing has run


@of_runs
def main(
    chosen: Chosen, *, force: Annotated[bool, typer.Option("--force", help="Train again what is done.")] = False
) -> int:
    prepare(chosen.file, chosen.others)
    results, runs, dry = Path("results", chosen.config.name), chosen.runs, is_dry(chosen.others)
    print(f"reproduce: {len(runs)} run{'s' * (len(runs) > 1)} -> {results}/runs", file=sys.stderr)
    print(f"reproduce: for their tables: ./reproduce tables --from {results} --output DIR", file=sys.stderr)
    options = list(chosen.others)
    if chosen.changes:
        options += ["--config", *(f"{key}={json.dumps(value)}" for key, value in chosen.changes.items())]
    if force:
        options += ["--forcerun", "train"]
        for run in runs if not dry else ():  # otherwise the run would end immediately: its record is kept
            finished.give_up(results / "checkpoints" / run.folder)
    code = snakemake(chosen.file, [*options, "--", *(f"{results}/runs/{run.folder}/result.json" for run in runs)])
    if dry or code == WRONG_OPTION:
        return code
    found = states(chosen.config, runs)
    print(listing(found))
    return code or int(any(state.name != DONE for state in found.values()))
