"""A run that signals itself after its first epoch, so that it leaves a checkpoint on a machine of any speed:

python tests/faults/leave.py --specification ... (the arguments of workflow.training.experiment)
"""

import signal
import sys
from collections.abc import Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from workflow.storage.command_line import command_line
from workflow.training import experiment
from workflow.training.loop import Loop

epoch = Loop.epoch


def epoch_and_signal(self: Loop) -> Iterator[None]:
    yield from epoch(self)
    signal.raise_signal(signal.SIGTERM)


Loop.epoch = epoch_and_signal
command_line(experiment.main)
