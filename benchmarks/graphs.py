"""A whole training step as one CUDA graph: hundreds of launches become one."""

from collections.abc import Callable

import torch


def capture(step: Callable[[], None], warm_up: int = 5) -> Callable[[], None]:
    """Record `step`, whose shapes and input tensors do not change, and return what replays it.

    The warm-up runs on a side stream, as capturing demands, so that libraries set themselves up outside the graph.
    """
    side = torch.cuda.Stream()
    side.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(side):
        for _ in range(warm_up):
            step()
    torch.cuda.current_stream().wait_stream(side)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        step()
    return graph.replay
