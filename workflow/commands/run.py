"""Train part of the grid: one run, or every run that matches.

\b
./reproduce paper run ucf11 pixels fdht_lstm --fold 0 --seed 1   one run
./reproduce paper run --model fdht_lstm                          all its data sets, folds and seeds
./reproduce paper run ucf11 --set training.learning_rate=0.003   with results in a separate folder

Any other option goes to Snakemake: -n shows what would be done, --profile profiles/slurm uses a cluster.
"""

import json
import sys
from itertools import pairwise
from typing import Annotated

import typer

from workflow.commands.list import listing
from workflow.commands.pipeline import OWN, is_dry, prepare, snakemake
from workflow.commands.selection import Chosen, of_runs
from workflow.experiments.experiment import NAME
from workflow.experiments.states import DONE, states
from workflow.storage.errors import InputError
from workflow.storage.fields import did_you_mean

WRONG_OPTION = 2  # exit status: Snakemake refused an option, so nothing has run


@of_runs
def main(
    chosen: Chosen, *, force: Annotated[bool, typer.Option("--force", help="Train finished runs again, too.")] = False
) -> int:
    wanted, *more = chosen.wanted
    if more:
        raise InputError(f"run takes one RUN at a time; {1 + len(more)} were given")
    known = {*chosen.config.datasets, *chosen.config.front_ends, *chosen.config.models}
    for before, word in pairwise(chosen.others):  # else the value of an option of ours, written wrong
        if (word.partition("/")[0] in known or "/runs/" in word) and not did_you_mean(before, OWN).startswith("did"):
            raise InputError(f"{word!r} comes after {chosen.others[0]}; names come before Snakemake's options")
    prepare(chosen.file, chosen.others)
    results, runs, dry = chosen.config.results, chosen.runs, is_dry(chosen.others)
    print(f"reproduce: {len(runs)} run{'s' * (len(runs) > 1)} -> {results}/runs", file=sys.stderr)
    print(f"reproduce: for their tables: ./reproduce tables --from {results} --output DIR", file=sys.stderr)
    changes = {**chosen.changes, "only": {**wanted, "force": force}}
    options = [*chosen.others, "--config", *(f"{key}={json.dumps(value)}" for key, value in changes.items())]
    places = dict.fromkeys(f"{results}/runs/{run.experiment}/{NAME}" for run in runs)
    resolved = [str(path) for path in [results / "config.yaml"] if path.is_file()]  # tables compare records with it
    code = snakemake(chosen.file, [*options, "--", *places, *resolved])
    if dry or code == WRONG_OPTION:
        return code
    found = states(chosen.config, runs)
    print(listing(found))
    return code or int(any(state.name != DONE for state in found.values()))
