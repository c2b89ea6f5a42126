"""captions.json in the folder of figures: what was drawn, for the report and the article, which draw nothing."""

from collections.abc import Mapping
from pathlib import Path
from typing import Literal, NamedTuple

from workflow.storage import seal
from workflow.storage.files import read_json

NAME = "captions.json"
KINDS: tuple[Literal["pdf", "png"], ...] = ("pdf", "png")


class Caption(NamedTuple):
    """A figure's title and caption. width: None if it has nothing to show and no files; the text is the reason."""

    title: str
    text: str
    width: Literal["column", "page"] | None


def write(folder: Path, captions: Mapping[str, Caption]) -> None:
    """Write `captions` by name, with the digests of the files: an image that changed changes captions.json."""
    files = [f"{name}.{kind}" for name, caption in captions.items() if caption.width for kind in KINDS]
    seal.write(folder / NAME, {"figures": {name: caption._asdict() for name, caption in captions.items()}}, files)


def read(folder: Path) -> dict[str, Caption]:
    """Return the captions by name. Raises InputError if they or a file of theirs are missing or damaged."""
    content = read_json(folder / NAME)
    for damage in seal.damages(folder / NAME):
        raise seal.DamagedError(damage)
    return {name: Caption(**caption) for name, caption in content["figures"].items()}
