"""A second copy of a finished run's record, until the pipeline has accepted it.

Snakemake deletes the outputs of a job if it did not see the job end. If Snakemake is killed just as a run ends, or the
run reaches its time limit then, the whole training would be lost. So the files of the record get a second name (a hard
link, which takes no space) next to the checkpoints, and a restarted run restores them. `collect`, which begins when
every record has been accepted, deletes them.
"""

import json
import os
import shutil
import sys
from pathlib import Path
from typing import Any

from workflow.storage import files, seal

RESULT = "result.json"
FINGERPRINT = "fingerprint.json"
SUFFIX = ".finished"  # of the folder next to the checkpoints


def keep(output: Path, checkpoints: Path, fingerprint: dict[str, Any]) -> None:
    """Link the record in `output` next to `checkpoints`, with the fingerprint of its run."""
    folder = _folder(checkpoints)
    try:
        give_up(checkpoints)
        _link(output, folder)
        files.write_json(folder / FINGERPRINT, fingerprint)  # last: its presence means "complete"
    except OSError as error:  # the run itself has succeeded
        print(f"could not keep a second copy of the record in {folder}: {error}", file=sys.stderr)


def restore(output: Path, checkpoints: Path, fingerprint: dict[str, Any]) -> bool:
    """Link the kept record back into `output`. Return False if there is none, or if it is damaged or another run's."""
    folder = _folder(checkpoints)
    try:
        known = json.loads((folder / FINGERPRINT).read_bytes())
        usable = known == fingerprint and not seal.damages(folder / RESULT)
    except (OSError, ValueError):
        return False
    if usable:
        _link(folder, output)
    return usable


def give_up(checkpoints: Path) -> None:
    """Remove the second copy, because the record has been accepted."""
    shutil.rmtree(_folder(checkpoints), ignore_errors=True)


def _folder(checkpoints: Path) -> Path:
    return checkpoints.with_name(f"{checkpoints.name}{SUFFIX}")


def _link(source: Path, target: Path) -> None:
    """Give the files of the record in `source` a second name in the folder `target`, result.json last."""
    target.mkdir(parents=True, exist_ok=True)
    for name in [*json.loads((source / RESULT).read_bytes())[seal.FILES], RESULT]:
        (target / name).unlink(missing_ok=True)
        try:
            os.link(source / name, target / name)
        except OSError:  # a file system without hard links
            shutil.copyfile(source / name, target / name)
        os.utime(target / name)
