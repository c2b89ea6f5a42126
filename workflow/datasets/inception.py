"""Inception-v3 as a feature extractor, through torchvision, also where its compiled part does not load."""

import importlib.util
from pathlib import Path

import torch
from torch import nn

from workflow.datasets.errors import DataError

FEATURES = 2048
SIDE = 299  # pixels, of the pictures that the network was trained on
_schemas: list[torch.library.Library] = []  # a library's definitions live as long as it does


def _torchvision_models():
    """torchvision.models, with a torchvision built for another variant (CUDA, CPU) of this torch too.

    `import torchvision` looks up two operators for detection that only its compiled part defines. Where
    that part does not load, the schemas alone let the import pass; nothing here calls them.
    """
    spec = importlib.util.find_spec("torchvision")
    if spec is None:
        raise DataError("the inception_v3 front end needs the Python package torchvision (part of requirements.txt)")
    if not _schemas and not hasattr(torch.ops.torchvision, "nms"):
        compiled = sorted(Path(spec.origin).parent.glob("_C*"))
        try:
            torch.ops.load_library(str(compiled[0]))
        except (IndexError, OSError):
            library = torch.library.Library("torchvision", "DEF")
            library.define("nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
            library.define("qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
            _schemas.append(library)
    import torchvision.models

    return torchvision.models


def network() -> nn.Module:
    """The whole Inception-v3, 27,161,264 parameters, with the auxiliary classifier that its weights hold."""
    models = _torchvision_models()
    return models.inception_v3(weights=None, aux_logits=True, transform_input=False, init_weights=False)


def extractor(weights: Path, device: str) -> nn.Module:
    """The network up to its last pooling, in evaluation mode: (B, 3, 299, 299) in [-1, 1] -> (B, 2048)."""
    with torch.device("meta"):  # no time is spent on initial values
        net = network()
    try:
        net.load_state_dict(torch.load(weights, map_location="cpu", weights_only=True), assign=True)
    except FileNotFoundError:
        raise DataError(f"{weights}: no such file; expected the weights of Inception-v3") from None
    except Exception as error:
        reason = str(error).strip().splitlines()[0]
        raise DataError(f"{weights}: no weights of torchvision's inception_v3 ({reason})") from error
    net.AuxLogits = None
    net.fc = nn.Identity()
    return net.eval().to(device, memory_format=torch.channels_last)


@torch.inference_mode()
def features(net: nn.Module, pictures: torch.Tensor) -> torch.Tensor:
    """Features (B, 2048) float32 on the CPU of pictures (B, height, width, 3) uint8 RGB, scaled to 299x299.

    Pixels go to [-1, 1], as in the network's own training (torchvision's ImageNet normalisation followed by
    its `transform_input` is the same map).
    """
    device = next(net.parameters()).device
    x = pictures.to(device).permute(0, 3, 1, 2).to(torch.float32, memory_format=torch.channels_last)
    x = nn.functional.interpolate(x / 127.5 - 1.0, size=(SIDE, SIDE), mode="bilinear", align_corners=False)
    return net(x).float().cpu()
