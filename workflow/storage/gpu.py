"""Whether torch can compute on a GPU, and whether memory ran out. Importing this module does not import torch."""

import os
from pathlib import Path

PROBLEM = "REPRODUCE_GPU_PROBLEM"  # environment variable of the steps: why no GPU of this machine can be used
SHORT = "can't allocate memory", "out of memory", "_STATUS_ALLOC_FAILED"  # in messages of the host, CUDA, its libraries


def gpu_problem() -> str | None:
    """Return why torch cannot compute on a GPU, None if it can. PROBLEM, if set, stands, as the step locked no GPU."""
    if problem := os.environ.get(PROBLEM):
        return problem
    import torch

    try:
        (torch.ones(1, device="cuda") + 1).item()  # a build without kernels for this GPU fails only here
    except (AssertionError, RuntimeError) as error:
        if out_of_memory(error):  # by others: no reason to compute elsewhere
            return None
        locked = [str(path) for path in Path("/dev").glob("nvidia[0-9]*") if not os.access(path, os.R_OK | os.W_OK)]
        permission = f"; no permission for {', '.join(locked)}" if locked else ""
        return f"{str(error).splitlines()[0]} (torch {torch.__version__}){permission}"
    return None


def automatic(problem: str | None) -> str:
    """Return the sentence that names what `device: auto` has taken. problem: of `gpu_problem`."""
    return f"device auto: computing on the CPU, as no GPU can be used: {problem}" if problem else "device auto: GPU"


def out_of_memory(error: BaseException) -> bool:
    """Return whether memory ran out, on the GPU (a RuntimeError) or the host."""
    names = {kind.__name__ for kind in type(error).__mro__}
    return bool(names & {"OutOfMemoryError", "MemoryError"}) or any(text in str(error) for text in SHORT)
