"""The live display on a terminal: how many jobs are done, the time left, and the jobs that run."""

import os
import threading
import time
from dataclasses import dataclass, field

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn


@dataclass
class Job:
    """A running job."""

    rule: str
    text: str
    started: float = field(default_factory=time.monotonic)


class Screen:
    """A live display on a terminal. What anything else writes to standard error is printed above it."""

    def __init__(self) -> None:
        self.terminal = os.dup(2)
        self.console = Console(
            file=os.fdopen(os.dup(self.terminal), "w"), markup=False, highlight=False, soft_wrap=True
        )
        note, text = TextColumn("{task.fields[note]}"), TextColumn("{task.description}", markup=False)
        self.progress = Progress(
            SpinnerColumn(), text, BarColumn(20), TimeElapsedColumn(), note, console=self.console, transient=True
        )
        self.total = self.progress.add_task("starting", total=None, note="")
        self.tasks: dict[int, TaskID] = {}
        self.running = True
        reader, writer = os.pipe()
        os.dup2(writer, 2)
        os.close(writer)
        self.reading = threading.Thread(target=self._copy, args=[reader], daemon=True)
        self.reading.start()
        self.progress.start()

    def _copy(self, reader: int) -> None:
        with os.fdopen(reader, errors="replace") as lines:
            for line in lines:
                self.console.print(line.rstrip("\n"))

    def update(self, jobs: dict[int, Job], done: int, total: int, left: str) -> None:
        """Show the running jobs, by number, how many of `total` are done, and the time left."""
        for number in self.tasks.keys() - jobs.keys():
            self.progress.remove_task(self.tasks.pop(number))
        for number in jobs.keys() - self.tasks.keys():
            self.tasks[number] = self.progress.add_task(jobs[number].text, total=None, note="")
        self.progress.update(self.total, description=f"{done} of {total} jobs", completed=done, total=total, note=left)

    def stop(self) -> None:
        """End the display and give standard error back. Does nothing the second time."""
        if self.running:
            self.running = False
            self.progress.stop()
            os.dup2(self.terminal, 2)
            self.reading.join(1)  # a process that outlives the pipeline may keep its end open
