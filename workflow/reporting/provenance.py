"""The origin of a file, alike on every machine: its records, the commits of their runs, and the reporting code.

The code's commit is the last that changed it, not HEAD: an unrelated commit must not change the bytes of any table.
"""

import hashlib
import subprocess
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from workflow.reporting import records

ROOT = Path(__file__).resolve().parents[2]
SCRIPTS = ("workflow/reporting", "paper")
UNCOMMITTED = "from uncommitted changes"


class Provenance(NamedTuple):
    """The origin that every output names."""

    records: str  # their number by status, and the digest of their contents
    commits: str  # of the runs
    script: str  # commit of the reporting code

    def lines(self, module: str) -> list[str]:
        """Return comment lines for a file made by `module`."""
        return [f"made by {module}, {self.script}", f"from {self.records}", f"runs made at {self.commits}"]


def of(table: pd.DataFrame) -> Provenance:
    """Return the provenance of anything made from the records `table`."""
    digest = hashlib.sha256(table.to_csv(index=False, lineterminator="\n").encode()).hexdigest()
    states = ", ".join(f"{n} {state}" for state, n in table["status"].value_counts().sort_index().items())
    count = "1 record" if len(table) == 1 else f"{len(table)} records"
    described = f"{count} ({states or 'none'}; sha256 {digest[:16]})"
    return Provenance(described, run_commits(records.successful(table)), script_commit())


def run_commits(successful: pd.DataFrame) -> str:
    """Return the commits of the runs, each with how many of its runs used code that differed from it."""
    known = [(commit, rows) for commit, rows in successful.groupby("git_commit") if commit]
    return "commit " + ", ".join(_commit(*pair) for pair in known) if known else "no recorded commit"


def _commit(commit: str, rows: pd.DataFrame) -> str:
    dirty = uncommitted(rows)
    return commit[:12] + (f" ({dirty} of {len(rows)} runs {UNCOMMITTED})" if dirty else "")


def uncommitted(rows: pd.DataFrame) -> int:
    """Return how many of these runs used code that differed from their commit."""
    return int(rows["git_dirty"].eq(True).sum())


@lru_cache(maxsize=1)
def script_commit() -> str:
    """Return the last commit that changed the reporting code, marked if files have changed since."""
    commit = _git("log", "-1", "--format=%H", "--", *SCRIPTS)
    if not commit:
        return "no git commit"
    changed = _git("status", "--porcelain", "--", *SCRIPTS)
    return f"commit {commit[:12]}" + (" with local changes" if changed else "")


def _git(*arguments: str) -> str:
    try:
        found = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=False)
    except OSError:  # no git on this machine
        return ""
    return found.stdout.strip() if found.returncode == 0 else ""
