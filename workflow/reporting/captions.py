"""captions.json in the folder of figures: what was drawn, for the report and the article, which draw nothing."""

from collections.abc import Mapping
from pathlib import Path
from typing import Literal, NamedTuple

from workflow.storage import seal
from workflow.storage.files import read_json

NAME = "captions.json"
KINDS: tuple[Literal["pdf", "png"], ...] = ("pdf", "png")


class Caption(NamedTuple):
    """A drawn figure's title and caption, and which of the article's widths it has."""

    title: str
    text: str
    width: Literal["column", "page"]


def write(folder: Path, captions: Mapping[str, Caption]) -> None:
    """Write `captions` by name, with the digests of the files: an image that changed changes captions.json."""
    files = [f"{name}.{kind}" for name in captions for kind in KINDS]
    seal.write(folder / NAME, {"figures": {name: caption._asdict() for name, caption in captions.items()}}, files)


def read(folder: Path) -> dict[str, Caption]:
    """Return the captions by name. Raises InputError if they or a file of theirs are missing or damaged."""
    content = read_json(folder / NAME)
    for damage in seal.damages(folder / NAME):
        raise seal.DamagedError(damage)
    return {name: Caption(**caption) for name, caption in content["figures"].items()}
