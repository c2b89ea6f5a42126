"""What the pipeline prints: a line when a job starts; on a terminal one live display; for a dry run a summary.

A logger plugin of Snakemake, which hands it every event; Snakemake's own text goes to its log file.
"""

import logging
import os
import sys
import time
from collections import Counter
from contextlib import suppress
from logging import LogRecord
from pathlib import Path
from statistics import mean
from textwrap import fill
from typing import Any, ClassVar

import snakemake
from snakemake.logging import logger
from snakemake_interface_logger_plugins.base import LogHandlerBase
from snakemake_interface_logger_plugins.common import LogEvent

from workflow.commands.screen import Job, Screen
from workflow.commands.status import duration

REASONS = {  # what Snakemake calls a reason: what a dry run prints; the first that applies
    "Missing output": "new",
    "Incomplete output": "unfinished",
    "Code has changed": "changed code",
    "Params have changed": "changed parameters",
    "Updated input": "changed input",
    "Set of input files has changed": "changed input",
    "Input files updated by another job": "follows another job",
}
COMMAND_FAILED = "RuleException:\nCalledProcessError"  # with the whole command
REPEATED = ("Exiting because a job execution failed", "WorkflowError:\nAt least one job did not complete")
OUTPUTS = ("report.html", "paper.pdf", "tables", "figures", "results.csv", "runs", "data")  # in results/NAME
WIDTH = 200  # of a line, at most; errors are printed in full
LOG_LINES = 20  # of a failed job's log that are printed: its end


class LogHandler(LogHandlerBase):
    """Prints the Snakemake events that a reader needs to see."""

    writes_to_stream = True
    writes_to_file = False
    has_filter = True
    has_formatter = True
    needs_rulegraph = False

    screen: ClassVar[Screen | None] = None  # the one of this process

    def __post_init__(self) -> None:
        self.dry = self.common_settings.dryrun
        self.quiet = bool(self.common_settings.quiet)  # print errors only, and the number of jobs of a dry run
        self.begun: float | None = None
        self.early: list[str] = []  # messages of Snakemake before it begins
        self.outdated: dict[str, str] = {}  # why an experiment is trained again
        self.planned: Counter[str] = Counter()  # jobs by rule
        self.reasons: dict[str, Counter[str]] = {}  # of a dry run, by rule
        self.jobs: dict[int, Job] = {}  # those that run
        self.times: dict[str, list[float]] = {}  # of jobs that are done, by rule, s
        self.failed: set[int] = set()
        self.ends: list[str] = []  # how steps ended that failed, after their command
        self.errors = self.closed = False
        self.results = ""  # results/NAME

    def emit(self, record: LogRecord) -> None:
        with suppress(OSError):  # the reader has left or the disk is full: the main thread reports it
            self._handle(record, getattr(record, "event", None))

    def _handle(self, record: Any, event: LogEvent | None) -> None:
        if event == LogEvent.WORKFLOW_STARTED:
            self.begun = time.monotonic()
            if not (self.dry or self.quiet) and sys.stderr.isatty() and os.environ.get("TERM") != "dumb":
                LogHandler.screen = Screen()
        elif event == LogEvent.RUN_INFO:
            self.planned = Counter({rule: number for rule, number in record.stats.items() if rule != "total"})
            for reason, number in Counter(() if self.dry or self.quiet else self.outdated.values()).items():
                self._print(f"{number} of the experiments: {reason}")
        elif event == LogEvent.JOB_INFO:
            self._plan(record) if self.dry else self._start(record)
        elif event == LogEvent.JOB_FINISHED:
            self._finish(record.job_id)
        elif event in (LogEvent.JOB_ERROR, LogEvent.GROUP_ERROR):
            self._fail(record)
        elif event in (None, LogEvent.ERROR) and record.msg:
            self._message(record, str(record.msg).strip("\n"))

    def _message(self, record: LogRecord, text: str) -> None:
        """Print what a rule file reports, a warning, an error, or that there is nothing to do."""
        ours = not Path(record.pathname).is_relative_to(Path(snakemake.__file__).parent)
        experiment, _, reason = text.partition(": ")
        self.errors |= record.levelno >= logging.ERROR
        if text.startswith(COMMAND_FAILED):
            self.ends.append(text)
        elif text.startswith(REPEATED):
            return
        elif ours and experiment.count("/") == 3 and not self.planned:
            self.outdated[experiment] = reason
        elif record.levelno >= logging.ERROR:
            self._print(text)
        elif ours or record.levelno >= logging.WARNING or text.startswith("Nothing to be done"):
            self._print("\n".join(fill(line, WIDTH, break_long_words=False) for line in text.splitlines()))
        elif self.begun is None:
            self.early.append(text)

    def _plan(self, job: Any) -> None:
        """Count the reason for a job of a dry run."""
        reason = next((ours for theirs, ours in REASONS.items() if theirs in job.reason), job.reason)
        if job.reason.startswith("Forced"):
            reason = "forced" if all(Path(path).exists() for path in job.output) else "new"
        experiment = "/".join(Path(job.output[0]).parts[-5:-1]) if job.output else ""
        reason = self.outdated.get(experiment, reason)
        self.reasons.setdefault(job.rule_name, Counter())[reason] += 1

    def _start(self, job: Any) -> None:
        self.jobs[job.jobid] = Job(job.rule_name, job.rule_msg or job.rule_name, next(iter(job.log), ""))
        self.results = next((path for path in job.output if path.startswith("results/")), self.results)
        if not self._show() and job.rule_msg and not self.quiet:
            self._print(f"[{self._done()} of {self.planned.total()} done{self._left()}] {job.rule_msg}"[:WIDTH])

    def _finish(self, number: int) -> None:
        if job := self.jobs.pop(number, None):
            self.times.setdefault(job.rule, []).append(time.monotonic() - job.started)
        self.failed.discard(number)  # it was tried again
        self._show()

    def _fail(self, record: Any) -> None:
        """Print a failed job's error: its log, and what the cluster knows about it."""
        job = self.jobs.pop(getattr(record, "jobid", -1), None)
        self.failed.add(getattr(record, "jobid", -1))
        logs = list(getattr(record, "log", None) or getattr(record, "aux_logs", []))
        command = (getattr(record, "shellcmd", None) or "").strip()
        end = next((text.rpartition("' ")[2] for text in self.ends if command and command in text), "failed")
        log = f"; its log: {', '.join(logs)}" if logs else ""
        self._print(f"error: {job.text if job else record.msg}: {end.rstrip('.')}{log}")
        if message := getattr(record, "rule_msg", None):  # the cluster's
            self._print(message)
        for name, value in getattr(record, "aux", {}).items():
            self._print(f"{name}: {value}")
        if self.common_settings.show_failed_logs:
            self._print("\n".join(line for log in logs for line in _end_of(Path(log))))
        self._show()

    def _done(self) -> int:
        return sum(map(len, self.times.values()))

    def _left(self) -> str:
        """Return the time left, known once a job of the most frequent kind has ended."""
        left = self.planned - Counter({rule: len(times) for rule, times in self.times.items()})
        if left.keys().isdisjoint(self.times) or max(self.planned, key=self.planned.__getitem__) not in self.times:
            return ""
        now = time.monotonic()
        running = [(job.rule, now - job.started) for job in self.jobs.values()]
        usual = {}
        for rule, times in self.times.items():  # a running job counts once it has taken longer than their mean
            longer = [seconds for own, seconds in running if own == rule and seconds > mean(times)]
            usual[rule] = mean([*times, *longer])
        seconds = sum(number * usual.get(rule, 0) for rule, number in left.items())
        seconds -= sum(min(took, usual.get(rule, 0)) for rule, took in running)
        seconds /= max(1, len(self.jobs))
        return f", about {duration(seconds)} left" if seconds >= 1 else ""

    def _show(self) -> bool:
        """Update the live display; return whether there is one."""
        if self.screen:
            self.screen.update(self.jobs, self._done(), self.planned.total(), self._left().removeprefix(", "))
        return self.screen is not None

    def _print(self, text: str) -> None:
        if self.screen and self.screen.running:
            self.screen.console.print(text)
        elif text:
            print(text, file=sys.stdout if self.dry else sys.stderr, flush=not self.dry)

    def close(self) -> None:
        """End the display; print the summary of a dry run, or where the results or Snakemake's log are."""
        stop()
        if not self.closed:  # by Snakemake, and again when Python ends
            self.closed = True
            with suppress(OSError):
                self._print("\n".join(self._summary()))
        super().close()

    def _summary(self) -> list[str]:
        if self.begun is None:
            return [] if self.errors else self.early
        if self.dry and self.quiet:
            return [f"{_jobs(self.planned.total())} would run"] if self.planned else []
        if self.dry:
            total = sum(map(Counter.total, self.reasons.values()))
            lines = [
                f"{reasons.total():6}  {rule:<14} {_why(reasons)}"[:WIDTH] for rule, reasons in self.reasons.items()
            ]
            return lines and [*lines, f"{total:6}  job{'s' * (total != 1)} in all; -n -v lists each with its files"]
        if self.failed or self.errors:
            log = next((file.baseFilename for file in logger.handlers if isinstance(file, logging.FileHandler)), "none")
            failed = f"{len(self.failed)} of {_jobs(self.planned.total())} failed; " if self.failed else ""
            return [f"reproduce: {failed}Snakemake's full log: {log}"]
        if not self._done() or self.jobs or self.quiet:
            return []
        folder = Path(*Path(self.results).parts[:2])
        made = ", ".join(name for name in OUTPUTS if (folder / name).exists())
        has = f"; {folder} has {made}" if self.results else ""
        return [f"reproduce: {_jobs(self._done())} done in {duration(time.monotonic() - self.begun)}{has}"]


def _jobs(number: int) -> str:
    return f"{number} job{'s' * (number != 1)}"


def _end_of(log: Path) -> list[str]:
    """Return the last lines of a log, indented."""
    try:
        return [f"  {line}" for line in log.read_text(errors="replace").splitlines()[-LOG_LINES:]]
    except OSError:  # the job ended before it wrote any
        return []


def _why(reasons: Counter[str]) -> str:
    if len(reasons) == 1:
        return next(iter(reasons))
    return ", ".join(f"{reason} ({number})" for reason, number in reasons.most_common())


def stop() -> None:
    """End the live display, if there is one."""
    if LogHandler.screen:
        LogHandler.screen.stop()
