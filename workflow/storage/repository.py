"""The commit of this project's code, from its own git repository, never from one around the project."""

import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CODE = ("workflow", "baselines", "fdht", "requirements.txt", "config")  # what a run depends on
UNKNOWN = "unknown"


def commit(*paths: str) -> str:
    """Return the last commit that changed `paths`, by default HEAD; "unknown" without git or a repository of ours."""
    if _git("rev-parse", "--verify", "HEAD:workflow/storage") is None:  # somebody else's repository, or no commit
        return UNKNOWN
    found = _git("log", "-1", "--format=%H", "--", *paths) if paths else _git("rev-parse", "HEAD")
    return found or UNKNOWN


def dirty(*paths: str) -> bool | None:
    """Return whether `paths` differ from HEAD, None if unknown. Of untracked files only code counts."""
    status = _git("-c", "core.fsmonitor=false", "status", "--porcelain", "--untracked-files=all", "--", *paths)
    if status is None or commit() == UNKNOWN:
        return None
    return any(not line.startswith("??") or line.endswith((".py", ".smk")) for line in status.splitlines())


def _git(*arguments: str) -> str | None:
    # --git-dir: it neither searches the folders above nor refuses a repository of another owner
    return output_of("git", "--no-optional-locks", f"--git-dir={ROOT}/.git", f"--work-tree={ROOT}", *arguments)


def output_of(*command: str) -> str | None:
    """Run a command in the project's folder; return its standard output, None if it fails or is not installed."""
    try:
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, errors="surrogateescape", check=False)
    except OSError:
        return None
    return done.stdout.rstrip("\n") if done.returncode == 0 else None
