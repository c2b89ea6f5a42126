"""The record of a run that has ended, kept until the pipeline has accepted it.

Snakemake deletes the outputs of a job whose end it did not see: were it killed in the moment in which a run ends, or
the run by its time limit, all of the training would be lost with them. So the files of the record get a second
name (a hard link, hence no second copy) beside the checkpoints, and a run that is started again takes them from
there. `collect`, which begins when every record has been accepted, gives them up.
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
SUFFIX = ".finished"  # of the folder beside the checkpoints


def keep(output: Path, kept: Path, fingerprint: dict[str, Any]) -> None:
    """Second names for the record in `output`. `kept`: folder of its checkpoints; `fingerprint`: what must be
    equal for the record to be used again."""
    folder = _folder(kept)
    try:
        give_up(kept)
        folder.mkdir(parents=True)
        for name in _names(output):
            _link(output / name, folder / name)
        files.write_json(folder / FINGERPRINT, fingerprint)  # last: it says that the others are there
    except OSError as error:  # costs the safety, not the run
        print(f"the record could not be kept in {folder}: {error}", file=sys.stderr)


def restore(output: Path, kept: Path, fingerprint: dict[str, Any]) -> bool:
    """Put the record that was kept into `output`; False where there is none, or another's, or a damaged one."""
    folder = _folder(kept)
    try:
        known = json.loads((folder / FINGERPRINT).read_bytes())
        usable = known == json.loads(json.dumps(fingerprint)) and not seal.damages(folder / RESULT)
    except (OSError, ValueError):
        return False
    if usable:
        output.mkdir(parents=True, exist_ok=True)
        for name in _names(folder):
            _link(folder / name, output / name)
            os.utime(output / name)
    return usable


def give_up(kept: Path) -> None:
    """The record in `kept` has been accepted."""
    shutil.rmtree(_folder(kept), ignore_errors=True)


def _folder(kept: Path) -> Path:
    return kept.with_name(f"{kept.name}{SUFFIX}")


def _names(folder: Path) -> list[str]:
    return [*json.loads((folder / RESULT).read_bytes())[seal.FILES], RESULT]


def _link(source: Path, target: Path) -> None:
    part = target.with_name(f".{target.name}.part")
    part.unlink(missing_ok=True)
    try:
        os.link(source, part)
    except OSError:  # a file system without hard links
        shutil.copyfile(source, part)
    part.replace(target)
    part.unlink(missing_ok=True)  # which `replace` leaves where both names are one file's already
