"""The provenance of an output, equal on every machine: records, commits of their runs, reporting code.

The code's commit is the last that changed it, not HEAD: an unrelated commit must not change the bytes of any table.
"""

import hashlib
from typing import NamedTuple

import pandas as pd

from workflow.storage import repository
from workflow.storage.repository import ROOT, UNKNOWN

REPORTING_CODE = ("workflow/reporting", "paper")
UNCOMMITTED = "from uncommitted changes"


class Provenance(NamedTuple):
    """The provenance that every output states."""

    records: str  # their number by status, and the digest of their contents
    commits: str  # of the runs
    code: str  # commit of the reporting code

    def lines(self, module: str) -> list[str]:
        """Return comment lines for a file made by `module`."""
        return [f"made by {module}, {self.code}", f"from {self.records}", f"runs made at {self.commits}"]


def of(table: pd.DataFrame) -> Provenance:
    """Return the provenance of anything made from the records `table`."""
    digest = hashlib.sha256(table.to_csv(index=False, lineterminator="\n").encode()).hexdigest()
    states = ", ".join(f"{n} {state}" for state, n in table["status"].value_counts().sort_index().items())
    count = "1 record" if len(table) == 1 else f"{len(table)} records"
    described = f"{count} ({states or 'none'}; sha256 {digest[:16]})"
    return Provenance(described, run_commits(table[table["status"] == "ok"]), code_commit())


def run_commits(successful: pd.DataFrame) -> str:
    """Return the commits of the runs, each with the number of runs that had uncommitted changes."""
    known = []
    for commit, rows in successful.groupby("git_commit"):
        changed = uncommitted(rows)
        known.append(f"{commit[:12]} ({changed})" if changed else commit[:12])
    return "commit " + ", ".join(known or [UNKNOWN])


def uncommitted(runs: pd.DataFrame) -> str:
    """Return how many of `runs` had uncommitted changes, as text; "" if none."""
    dirty = int(runs["git_dirty"].eq(True).sum())
    return f"{dirty} of {len(runs)} runs {UNCOMMITTED}" if dirty else ""


def code_commit() -> str:
    """Return the last commit that changed the reporting code, marked if files have changed since."""
    state = " with local changes" if repository.dirty(*REPORTING_CODE) else ""
    return f"commit {repository.commit(*REPORTING_CODE)[:12]}{state}"


def code_date() -> str:
    """Return when the reporting code was last committed, or changed since, in seconds since 1970."""
    if repository.dirty(*REPORTING_CODE) is False:
        git = ("git", "--no-optional-locks", f"--git-dir={ROOT}/.git")
        if committed := repository.output_of(*git, "show", "-s", "--format=%ct", repository.commit(*REPORTING_CODE)):
            return committed
    files = (file for folder in REPORTING_CODE for file in (ROOT / folder).rglob("*") if file.is_file())
    return str(max(int(file.stat().st_mtime) for file in files if file.suffix != ".pyc"))
