"""The live display on a terminal: how many jobs are done, the time left, the running jobs and the progress of each."""

import os
import re
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field

from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    ProgressColumn,
    SpinnerColumn,
    Task,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
)
from rich.text import Text

HOW_FAR = re.compile(r"(?:fold\S+ )?\S+ of [^,\n]+")  # in a log: "fold0/seed1: 3 of 20 epochs"
TAIL = 2000  # bytes of a log


@dataclass
class Job:
    """A running job."""

    rule: str
    text: str
    log: str = ""
    started: float = field(default_factory=time.monotonic)


class HowFar(ProgressColumn):
    """How far a job is by its log, or the time left of all."""

    max_refresh = 1.0

    def render(self, task: Task) -> Text:
        """Return the text for `task`."""
        found = [task.fields["left"]]
        with suppress(OSError), open(task.fields["log"], "rb") as file:  # noqa: PTH123
            file.seek(max(0, os.fstat(file.fileno()).st_size - TAIL))
            found += HOW_FAR.findall(file.read().decode(errors="replace"))
        return Text(found[-1], no_wrap=True, overflow="ellipsis")


class Screen:
    """A live display on a terminal. What anything else writes to standard error is printed above it."""

    def __init__(self) -> None:
        self.terminal = os.dup(2)
        self.console = Console(
            file=os.fdopen(os.dup(self.terminal), "w"), markup=False, highlight=False, soft_wrap=True
        )
        text = TextColumn("{task.description}", markup=False)
        columns = (SpinnerColumn(), text, BarColumn(12), TimeElapsedColumn(), HowFar())
        self.progress = Progress(*columns, console=self.console, transient=True)
        self.total = self.progress.add_task("starting", total=None, left="", log="")
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
            job = jobs[number]
            self.tasks[number] = self.progress.add_task(job.text, total=None, left="", log=job.log)
        self.progress.update(self.total, description=f"{done} of {total} jobs", completed=done, total=total, left=left)

    def stop(self) -> None:
        """End the display and give standard error back. Does nothing the second time."""
        if self.running:
            self.running = False
            self.progress.stop()
            os.dup2(self.terminal, 2)
            self.reading.join(1)  # a process that outlives the pipeline may keep its end open
