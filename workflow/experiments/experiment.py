"""experiment.json: the digests of an experiment's records, and what they were made from.

Its content decides whether anything is trained again, never a modification time: a run is trained if it is not listed,
if its record is missing or damaged, or if the specification, the data, the splits or the code are no longer those that
it was made from.
"""

import re
from collections.abc import Container
from importlib import metadata
from pathlib import Path
from typing import Any

from baselines import FORMATS
from workflow.datasets.front_ends import FRONT_ENDS
from workflow.experiments import sources, states
from workflow.experiments.record import RECORD, WEIGHTS
from workflow.experiments.run import IDENTITY, Run
from workflow.storage import files, seal

NAME = "experiment.json"
HARMLESS = "harmless.json"  # below results/<name>: digest of code -> digests of older code that counts as the same
CODE = "code_digest"


def code(run: Run) -> str:
    """Return the digest of the code that trains the run: of training, its own format, their pins, torch's version."""
    modules = "workflow.training.run", FORMATS[run.recurrent["format"]].module
    return files.digest([sources.digest(*modules), metadata.version("torch")])


def origin(run: Run, data: Path) -> dict[str, Any]:
    """Return what the records of the run's experiment must be made from now; None for data that cannot be read."""
    tensor = files.known_json(data / f"{FRONT_ENDS[run.front_end].tensor}.json")
    splits = files.known_json(data / "splits.json").get("digests", {})
    return {
        "specification": files.digest(run.shared),
        CODE: code(run),
        "data_digest": tensor.get("digest"),
        "split_digests": {name: splits[name] for name in splits if name.startswith(f"{run.protocol}/")},
    }


def accepted(present: str, results: Path) -> set[str]:
    """Return the digest of the present code and those accepted as equal. results: the folder results/<name>."""
    return {present, *files.known_json(results / HARMLESS).get(present, [])}


def outdated(folder: Path, runs: list[Run], now: dict[str, Any], codes: Container[str]) -> str:
    """Return why runs of the experiment in `folder` must be trained, "" if all are up to date.

    now: its `origin`. codes: digests of code that count as the present.
    """
    path = folder / NAME
    content = files.known_json(path)
    if seal.broken(content):
        return f"{NAME} is damaged" if path.is_file() else f"{NAME} is missing"
    changed = [key for key in now if key != CODE and content.get(key) != now[key]]
    if changed or content.get(CODE) not in codes:
        return f"{' and '.join(changed or [CODE]).replace('_', ' ')} changed"
    listed = content.get(seal.FILES, {})
    for run in runs:
        name = f"{run.place}/{RECORD}"
        if name not in listed:
            return f"{run.place} is not trained"
        record = folder / name
        described = files.known_json(record).get(seal.FILES, {})
        if seal.differences(path, {name: listed[name]}) or seal.differences(record, described, (WEIGHTS,)):
            return f"the record of {run.place} is missing or damaged"
    return ""


def is_current(folder: Path, run: Run, now: dict[str, Any], codes: Container[str]) -> bool:
    """Return whether the experiment in `folder` has an intact record of `run`, made from `now`. codes: as above."""
    place = folder / run.place
    found = states.state(place, place, run.plain, 0.0)
    return (
        found.record is not None
        and found.name in (states.DONE, states.FAILED)
        and found.record.code_digest in codes
        and found.record.data_digest == now["data_digest"]
        and found.record.split_digest == now["split_digests"].get(f"{run.protocol}/{run.fold}")
        and not seal.damages(place / RECORD, (WEIGHTS,))
    )


def write(folder: Path, run: Run, now: dict[str, Any], codes: Container[str]) -> None:
    """Write experiment.json, which lists every record in `folder` that is current. run: any of the experiment."""
    found = (re.search(rf"/fold(\d+)/seed(\d+)/{RECORD}$", path.as_posix()) for path in folder.glob(f"*/*/{RECORD}"))
    points = sorted((int(match[1]), int(match[2])) for match in found if match)
    runs = [run.model_copy(update={"fold": fold, "seed": seed}) for fold, seed in points]
    identity = {name: getattr(run, name) for name in IDENTITY[:4]}
    names = [f"{run.place}/{RECORD}" for run in runs if is_current(folder, run, now, codes)]
    seal.write(folder / NAME, {**identity, **now}, names)


def made_by(folder: Path) -> set[str]:
    """Return the digests of the code that made the records of the experiment in `folder`."""
    return {files.known_json(path).get(CODE, "") for path in [folder / NAME, *folder.glob(f"*/*/{RECORD}")]} - {""}
