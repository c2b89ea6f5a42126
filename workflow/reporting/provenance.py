"""The origin of a file, alike on every machine: its records, the commits of their runs, and the reporting code.

The code's commit is the last that changed it, not HEAD: an unrelated commit must not change the bytes of any table.
"""

import hashlib
from typing import NamedTuple

import pandas as pd

from workflow.reporting import records
from workflow.training import environment

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
    for commit, rows in successful[successful["git_commit"] != ""].groupby("git_commit"):
        changed = uncommitted(rows)
        known.append(f"{commit[:12]} ({changed})" if changed else commit[:12])
    return "commit " + ", ".join(known) if known else "no recorded commit"


def uncommitted(runs: pd.DataFrame) -> str:
    """Return how many of these runs used code that differed from their commit; "" if none."""
    dirty = int(runs["git_dirty"].eq(True).sum())
    return f"{dirty} of {len(runs)} runs {UNCOMMITTED}" if dirty else ""


def script_commit() -> str:
    """Return the last commit that changed the reporting code, marked if files have changed since."""
    commit = environment.output_of("git", "log", "-1", "--format=%h", "--abbrev=12", "--", *SCRIPTS)
    changed = " with local changes" if environment.output_of("git", "status", "--porcelain", "--", *SCRIPTS) else ""
    return f"commit {commit}{changed}" if commit else "no git commit"
