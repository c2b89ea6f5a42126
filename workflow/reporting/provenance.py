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
    known = []
    for commit, rows in successful[successful["git_commit"].fillna("") != ""].groupby("git_commit"):
        dirty = uncommitted(rows)
        known.append(commit[:12] + (f" ({dirty} of {len(rows)} runs {UNCOMMITTED})" if dirty else ""))
    return "commit " + ", ".join(known) if known else "no recorded commit"


def uncommitted(rows: pd.DataFrame) -> int:
    """Return how many of these runs used code that differed from their commit."""
    return int(rows["git_dirty"].eq(True).sum())


@lru_cache(maxsize=1)
def script_commit() -> str:
    """Return the last commit that changed the reporting code, marked if files have changed since."""
    commit = _git("log", "-1", "--format=%h", "--abbrev=12")
    changed = " with local changes" if _git("status", "--porcelain") else ""
    return f"commit {commit}{changed}" if commit else "no git commit"


def _git(*arguments: str) -> str:
    """Return what git prints about the reporting code; "" if there is no git or no repository."""
    try:
        return subprocess.check_output(
            ["git", *arguments, "--", *SCRIPTS], cwd=ROOT, stderr=subprocess.DEVNULL, text=True
        ).strip()
    except (OSError, subprocess.CalledProcessError):
        return ""
