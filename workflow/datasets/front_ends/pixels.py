"""pixels: the decoded frames, as the frames step wrote them."""

from workflow.datasets.front_ends import FrontEnd

# by `training.normalisation`, scale and shift: (x - 128) / 128, and x - 128 as in the authors' code
NORMALISATIONS = {"unit": (1 / 128, -1.0), "raw": (1.0, -128.0)}

FRONT_END = FrontEnd(
    title="pixels",
    shape=lambda height, width: (height, width, 3),
    dtype="uint8",
    tensor="frames",
)
