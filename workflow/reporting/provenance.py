"""Where a file came from, in words that are the same on every machine: which records, which commits, which
script.

The commit named is the last one that changed the reporting code, not HEAD: an unrelated commit leaves the
bytes of every table as they were.
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
    """What every output says about its origin."""

    records: str  # how many, of which state, and the digest of their contents
    commits: str  # of the runs
    script: str  # commit of the reporting code

    def lines(self, module: str) -> list[str]:
        """Comment lines for a file made by `module`."""
        return [f"made by {module}, {self.script}", f"from {self.records}", f"runs made at {self.commits}"]


def of(table: pd.DataFrame) -> Provenance:
    """The provenance of whatever is made from the records `table`."""
    digest = hashlib.sha256(table.to_csv(index=False, lineterminator="\n").encode()).hexdigest()
    states = ", ".join(f"{n} {state}" for state, n in table["status"].value_counts().sort_index().items())
    count = "1 record" if len(table) == 1 else f"{len(table)} records"
    described = f"{count} ({states or 'none'}; sha256 {digest[:16]})"
    return Provenance(described, run_commits(records.successful(table)), script_commit())


def run_commits(good: pd.DataFrame) -> str:
    """The commits of the runs, each with the number of its runs that were made from code that differed from it."""
    known = [(commit, rows) for commit, rows in good.groupby("git_commit") if commit]
    return "commit " + ", ".join(_commit(*pair) for pair in known) if known else "no recorded commit"


def _commit(commit: str, rows: pd.DataFrame) -> str:
    dirty = uncommitted(rows)
    return commit[:12] + (f" ({dirty} of {len(rows)} runs {UNCOMMITTED})" if dirty else "")


def uncommitted(rows: pd.DataFrame) -> int:
    """How many of these runs were made from code that differed from their commit."""
    return int(rows["git_dirty"].eq(True).sum())


@lru_cache(maxsize=1)
def script_commit() -> str:
    """The last commit that changed the reporting code, marked where files were changed since."""
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
