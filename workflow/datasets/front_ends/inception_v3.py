"""inception_v3: the last pooling of Inception-v3 trained on ImageNet, 2,048 numbers per frame.

TR-LSTM (Pan et al., AAAI 2019) feeds the same features to its CNN-LSTMs; the network here is torchvision's.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from workflow.datasets.front_ends import FrontEnd, on_pictures
from workflow.datasets.source import Source
from workflow.storage.errors import InputError

if TYPE_CHECKING:
    from torch import nn

    from workflow.datasets.front_ends import Features

FEATURES = 2048
SIDE, EDGE = 299, 342  # pixels: as torchvision evaluates these weights
NAME = "inception_v3_google-0cc3c7bd.pth"  # which states the first digits of the checksum


def network() -> nn.Module:
    """Return the whole Inception-v3 (27,161,264 parameters), with the auxiliary classifier of the weights file."""
    try:
        from torchvision.models import inception_v3
    except RuntimeError:
        # torchvision's compiled part does not load next to another build of torch (say, a CUDA build next to a CPU
        # torch). The import only looks up two of its operators, which nothing here calls: their schemas are enough.
        import torch

        for operator in ("nms", "qnms"):
            torch.library.define(f"torchvision::{operator}", "(Tensor dets, Tensor scores, float iou) -> Tensor")
        from torchvision.models import inception_v3
    return inception_v3(weights=None, aux_logits=True, transform_input=False, init_weights=False)


def extractor(weights: Path | None, device: str) -> Features:
    """Return the network up to its last pooling: (B, 299, 299, 3) uint8 RGB -> (B, 2048) float32 on the CPU.

    Pictures are mapped to [-1, 1] as in the network's training; torchvision's ImageNet normalisation followed by its
    `transform_input` is the same map. Raises InputError if `weights` is not a state dictionary of torchvision's
    inception_v3.
    """
    import torch

    assert weights is not None  # the features step passes the file that FRONT_END.weights names
    with torch.device("meta"):  # spend no time on initial values
        net: Any = network()
    try:
        net.load_state_dict(torch.load(weights, map_location="cpu", weights_only=True), assign=True)
    except Exception as error:
        raise InputError(
            f"{weights}: not the weights of torchvision's inception_v3; set inception_v3.weights to a copy of "
            f"{NAME}, or leave it out to download that file"
        ) from error
    net.AuxLogits = None
    net.fc = torch.nn.Identity()
    return on_pictures(net, device, lambda x: net(x / 127.5 - 1.0))


FRONT_END = FrontEnd(
    title="CNN features",
    shape=lambda height, width: (FEATURES,),
    dtype="float16",
    extractor=extractor,
    side=SIDE,
    edge=EDGE,
    weights=(Source(f"https://download.pytorch.org/models/{NAME}", sha256="0cc3c7bd"),),
)
