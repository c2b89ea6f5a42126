"""Name the likeliest classes of any video, with the model and the front end of a finished run.

\b
./reproduce demo predict demo/pixels/fdht_lstm/group/fold0/seed0 holiday.mp4 another.avi

RUN is written as `list` prints it.
"""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import numpy as np
import typer

from workflow import commands
from workflow.commands.rescore import obstacle
from workflow.commands.selection import Changes, axes_of, changed
from workflow.datasets.front_ends import FRONT_ENDS
from workflow.experiments import grid
from workflow.experiments.states import states
from workflow.storage import files
from workflow.storage.errors import InputError

if TYPE_CHECKING:
    from workflow.training.data import Fold


def seen(paths: list[Path], front_end: str, data: Path) -> "Fold":
    """Return the clips as the test part of a fold, seen by the front end like those in the folder `data`.

    Raise InputError if one cannot be decoded.
    """
    import torch

    from workflow.datasets.decode import UndecodableError, decode
    from workflow.datasets.features import decoding, weights_of
    from workflow.training.data import Fold

    chosen, about = FRONT_ENDS[front_end], files.read_json(data / "frames.json")
    options, features = decoding(chosen, about), None
    if chosen.extractor:
        weights = weights_of(data.with_name(front_end) / "source.json") if chosen.weights else None
        features = chosen.extractor(weights, "cpu")
    listed = files.read_csv(data / "listing.csv", ("clip", "path"))
    names = {Path(line["path"]).resolve(): line["clip"] for line in listed}  # `sampling: random` draws by name
    clips, lengths = [], []
    for path in paths:
        try:
            frames, facts = decode(path, clip=names.get(path.resolve(), path.name), **options)
        except (UndecodableError, OSError) as error:
            raise InputError(f"{path}: {error}; expected a video") from None
        clips.append(features(torch.from_numpy(frames)).numpy().astype(chosen.dtype) if features else frames)
        lengths.append(min(facts["frames"], about["count"]))
    rows, zeros = np.arange(len(paths)), np.zeros(len(paths), np.int64)
    return Fold(
        clips=np.stack(clips),
        names=[path.name for path in paths],
        labels=zeros,
        siblings=zeros,
        lengths=np.array(lengths) if about["sampling"] == "all" else None,
        rows={"test": rows},
        classes=about["classes"],
        data_digest=files.read_json(data / f"{chosen.tensor}.json")["digest"],
        split_digest="",
    )


def main(
    context: typer.Context,
    run: Annotated[str, typer.Argument(metavar="RUN", help="As `list` prints it: DATASET/FRONT_END/...")],
    clips: Annotated[list[str], typer.Argument(metavar="CLIP", help="Video files.")],
    settings: Changes = None,
    top: Annotated[int, typer.Option(min=1, metavar="N", help="Number of classes to name.")] = 5,
) -> None:
    config, _ = changed(context.obj, settings)
    one, *others = grid.select(grid.runs(config), axes_of(run, config))
    if others:
        raise InputError(f"{run}: {1 + len(others)} runs lie below it; expected one, such as {one.folder}")
    paths = [Path(commands.CALLED_FROM, clip) for clip in clips]
    for path in paths:
        if not path.is_file():
            raise InputError(f"{path}: no such file; expected a video")
    folder, (state,) = config.results / "runs" / one.folder, states(config, [one]).values()
    if (reason := obstacle(one, state, folder)) or state.record is None:
        raise InputError(f"{one.folder}: {reason}")
    from workflow.training import scoring  # imports torch, which takes seconds

    fold = seen(paths, one.front_end, config.prepared / one.dataset)
    fold = replace(fold, clips=scoring.shared(fold.clips, one))
    found = scoring.probabilities(one, state.record, folder, fold)
    for clip, shares in zip(clips, found, strict=True):
        print(f"{clip}:")
        for k in np.argsort(-shares, kind="stable")[:top]:
            print(f"{shares[k]:>8.1%}  {fold.classes[k]}")
