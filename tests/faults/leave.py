"""A run that signals itself after its first epoch, so that it leaves a checkpoint on a machine of any speed:

python tests/faults/leave.py --specification ... (the arguments of workflow.training.run)
"""

import signal
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from workflow.storage.command_line import command_line
from workflow.training import run
from workflow.training.progress import Progress

show = Progress.show


def show_and_signal(self: Progress, entry: dict) -> None:
    show(self, entry)
    signal.raise_signal(signal.SIGTERM)


Progress.show = show_and_signal
command_line(run.main)
