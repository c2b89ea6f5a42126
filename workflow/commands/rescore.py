"""Score the test clips again with the weights of finished runs, and compare with their records.

\b
./reproduce demo rescore                                             every run
./reproduce demo rescore demo pixels fdht_lstm --fold 0              every run that matches
./reproduce demo rescore demo/pixels/fdht_lstm/group/fold0/seed0     a run as `list` prints it; may be repeated

A run is equal if it has the accuracy of its record and no probability differs by more than rounding, which depends on
the processor. Runs without weights are listed. The exit status is 0 if at least one run was scored and all scored runs
are equal.
"""

from collections import Counter
from dataclasses import replace
from functools import cache
from itertools import groupby
from operator import attrgetter
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from baselines import FORMATS
from workflow.commands.selection import Chosen, of_runs
from workflow.experiments.record import RECORD, WEIGHTS, Record
from workflow.experiments.run import Run
from workflow.experiments.states import DAMAGED, DATA, DONE, State, states
from workflow.storage import files, seal
from workflow.storage.errors import InputError

if TYPE_CHECKING:
    from workflow.training.data import Fold

EQUAL, DIFFERS, UNUSABLE, SKIPPED = "equal", "differs", "unusable", "skipped"
PREDICTIONS = "predictions.csv"
# largest difference of a probability; in float32 up to 1e-5 was measured between kernels with and without AVX-512
ROUNDING = {"float32": 1e-4, "tf32": 2e-2, "bfloat16": 2e-2}


def obstacle(run: Run, state: State, folder: Path) -> str:
    """Return why no model can be loaded for the run in `folder`, "" if one can."""
    if state.name != DONE or state.record is None:
        return state.name + f", {state.reason}" * bool(state.reason)
    chosen = FORMATS[run.recurrent["format"]]
    if chosen.fitted and not chosen.restore:
        return f"{chosen.name} is fitted in one call, and its file does not define restore(arrays)"
    if (folder / WEIGHTS).is_file():
        return ""
    if WEIGHTS in state.record.files:
        return f"its {WEIGHTS} has been deleted; `run --force` trains it again"
    return f"its record has no {WEIGHTS}; keep_weights decides which records keep it"


def compared(record: Record, fold: "Fold", predictions: Path, probabilities: np.ndarray) -> tuple[str, str]:
    """Return the verdict on probabilities (n, C) of the test clips, and the figures that it is based on."""
    columns = [f"probability_{k}" for k in range(len(record.classes))]
    lines, rows = files.read_csv(predictions, ("clip", *columns)), fold.rows["test"]
    if [line["clip"] for line in lines] != [fold.names[row] for row in rows]:
        raise InputError(f"{predictions}: its clips are not the test clips of the run's fold")
    written = np.array([[float(line[name]) for name in columns] for line in lines])
    difference = float(np.abs(probabilities - written).max())
    accuracy = float((probabilities.argmax(axis=1) == fold.labels[rows]).mean())
    recorded = record.final_epoch_accuracy if record.test_accuracy is None else record.test_accuracy
    verdict = EQUAL if accuracy == recorded and difference <= ROUNDING[record.precision] else DIFFERS
    return verdict, f"accuracy {accuracy:.1%}, recorded {recorded:.1%}, probabilities within {difference:.1e}"


def again(run: Run, record: Record, folder: Path, fold: "Fold") -> tuple[str, str]:
    """Score the test clips of a run; see `compared`. Raise InputError if the weights have changed."""
    from workflow.training import scoring

    seal.require(folder / RECORD, (PREDICTIONS,))
    return compared(record, fold, folder / PREDICTIONS, scoring.probabilities(run, record, folder, fold))


@of_runs
def main(chosen: Chosen) -> int:
    config, found, counts = chosen.config, states(chosen.config, chosen.runs), Counter[str]()
    folders = {run: config.results / "runs" / run.folder for run in found}
    obstacles = {run: obstacle(run, state, folders[run]) for run, state in found.items()}
    usable = {run: state.record for run, state in found.items() if state.record and not obstacles[run]}
    if not usable:
        run, *others = found
        more = f"; nor can {len(others)} others be scored again" * bool(others)
        raise InputError(f"{run.folder}: {obstacles[run]}{more}")

    def report(run: Run, verdict: str, text: str) -> None:
        counts[verdict] += 1
        print(f"{verdict:<10}{run.folder}: {text}", flush=True)

    for run, reason in obstacles.items():
        if reason:
            unusable = found[run].name == DAMAGED or found[run].reason == DATA
            report(run, UNUSABLE if unusable else SKIPPED, reason)
    from workflow.training import scoring  # imports torch, which takes seconds
    from workflow.training.data import load

    loaded = cache(load)
    for (dataset, front_end, _), group in groupby(usable, attrgetter("dataset", "front_end", "model")):
        runs = list(group)
        data = loaded(config.prepared / dataset, front_end)
        clips = scoring.shared(data.clips, runs[0])
        for run in runs:
            try:
                report(run, *again(run, usable[run], folders[run], replace(data.fold(run), clips=clips)))
            except InputError as error:
                report(run, UNUSABLE, str(error))
    print(", ".join(f"{number} {verdict}" for verdict, number in counts.items()))
    return int(bool(counts.keys() - {EQUAL, SKIPPED}))
