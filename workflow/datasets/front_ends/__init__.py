"""Front ends: what a recurrent layer sees of a frame. One file per front end; its name is that of the front end.

Each defines a constant `FRONT_END` (see docs/extending.md). One with an `extractor` has a section of its own name in
the configuration: `batch`, the number of frames per forward pass, and `weights`, the user's own file of weights, which
replaces the download.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from importlib import import_module
from math import prod
from pathlib import Path
from pkgutil import iter_modules
from typing import TYPE_CHECKING, Any

from workflow.datasets.source import Source
from workflow.storage.errors import InputError

if TYPE_CHECKING:
    from torch import Tensor

    Features = Callable[[Tensor], Tensor]
    Extractor = Callable[[Path | None, str], Features]

BYTES = {"uint8": 1, "float16": 2, "float32": 4}


@dataclass(frozen=True)
class FrontEnd:
    """One front end. Its tensor, (clips, frames, *shape), lies in `<tensor>.npy` and is described by `<tensor>.json`.

    title: in tables and figures. shape: of one frame's numbers, from the height and width of the decoded frames; (F,)
    for the F features of an extractor. extractor: from the file of weights (None where there is nothing to download)
    and a device to the function that turns pictures (B, side, side, 3) uint8 RGB into features (B, F), float32 on the
    CPU. It sees the video at its own resolution: the shorter edge scaled to `edge` pixels, and the middle of that. A
    front end without one sees the decoded frames themselves. weights: the file to download. name, tensor: default to
    the file's name.
    """

    title: str
    shape: Callable[[int, int], tuple[int, ...]]
    dtype: str
    extractor: Extractor | None = None
    side: int = 224
    edge: int = 256
    weights: tuple[Source, ...] = ()
    name: str = ""
    tensor: str = ""

    def input_size(self, height: int, width: int) -> int:
        """Return D, the numbers per frame that a recurrent layer sees."""
        return prod(self.shape(height, width))

    def clip_bytes(self, count: int, height: int, width: int) -> int:
        """Return the bytes of one clip of `count` frames in the tensor."""
        return count * self.input_size(height, width) * BYTES[self.dtype]


def on_pictures(network: Any, device: str, forward: Callable[[Tensor], Tensor]) -> Features:
    """Return an extractor's function: x of `forward(x)` is (B, 3, side, side) float32 on `device`, as `network` is."""
    import torch

    network.eval().to(device, memory_format=torch.channels_last)

    @torch.inference_mode()
    def features(pictures: Tensor) -> Tensor:
        x = pictures.to(device).permute(0, 3, 1, 2).to(torch.float32, memory_format=torch.channels_last)
        return forward(x).float().cpu()

    return features


def _found() -> dict[str, FrontEnd]:
    """Return the front ends of this folder; those that see the decoded frames come first.

    Raises InputError for a file whose FRONT_END is missing or has a shape or dtype that cannot be used.
    """
    found = []
    for module in iter_modules(__path__):
        front_end = getattr(import_module(f"{__name__}.{module.name}"), "FRONT_END", None)
        where = f"workflow/datasets/front_ends/{module.name}.py: FRONT_END"
        if not isinstance(front_end, FrontEnd):
            raise InputError(f"{where} is {front_end!r}; expected a FrontEnd")
        if front_end.dtype not in BYTES:
            raise InputError(f"{where}.dtype is {front_end.dtype!r}; expected one of {', '.join(BYTES)}")
        shapes = [front_end.shape(*size) for size in ((120, 160), (8, 8))] if callable(front_end.shape) else [None]
        if not isinstance(shapes[0], tuple):
            raise InputError(f"{where}.shape is not a function of height and width that returns a tuple")
        if front_end.extractor and (len(shapes[0]) != 1 or shapes[0] != shapes[1]):
            raise InputError(f"{where}.shape gives {shapes[0]} for 120 x 160; expected (F,) for all, F features")
        found.append(replace(front_end, name=module.name, tensor=front_end.tensor or module.name))
    found.sort(key=lambda front_end: (front_end.extractor is not None, front_end.name))
    return {front_end.name: front_end for front_end in found}


FRONT_ENDS = _found()
EXTRACTED = tuple(name for name, front_end in FRONT_ENDS.items() if front_end.extractor)
