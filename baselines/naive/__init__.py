"""Sanity baselines: what a protocol measures before any tensor network does. One file a format, found here.

They use a thumbnail of 240 numbers (thumbnails.py) in place of the frames, and are scored and recorded like the
models. Nothing here imports torch or scikit-learn, so that a configuration can be checked within a second.
"""

import importlib
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

FORMATS = tuple(
    sorted(path.stem for path in Path(__file__).parent.glob("*.py") if path.stem not in ("__init__", "thumbnails"))
)


class Declaration(NamedTuple):
    """Numbers stored in the recurrent part; a classifier is counted by itself."""

    W: int = 0
    U: int = 0
    bias: int = 0

    def parameters(self) -> dict[str, int]:
        return self._asdict()


def module(format_: str) -> ModuleType:
    return importlib.import_module(f"{__name__}.{format_}")


def declare(format: str, *, input_size: int, cell: str = "lstm", **parameters: Any) -> Declaration:
    """As baselines.declare: ValueError for a parameter that the format does not have."""
    known = module(format).PARAMETERS
    for name in parameters:
        if name not in known:
            expected = ", ".join(known) or "none"
            raise ValueError(f"{name} is no parameter of the format {format!r}; expected {expected}")
    if missing := [name for name in known if name not in parameters]:
        raise ValueError(f"{missing[0]} is missing for the format {format!r}")
    return module(format).declare(input_size=input_size, cell=cell, **parameters)
