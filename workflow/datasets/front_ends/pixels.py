"""pixels: the decoded frames, as the frames step wrote them."""

from workflow.datasets.front_ends import FrontEnd

FRONT_END = FrontEnd(
    title="pixels",
    shape=lambda height, width: (height, width, 3),
    dtype="uint8",
    tensor="frames",
)
