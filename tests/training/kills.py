"""Run one training again and again, each time killed (SIGKILL) at a random Python call, until it is complete.

    python tests/training/kills.py DATA SPECIFICATION FOLDER KILLS SEED

A program of its own that imports torch once and forks, so that a kill costs milliseconds. Prints JSON: the calls of
an undisturbed run, how often a run was killed, and the folders of the completed runs, the undisturbed first.
"""

import json
import os
import random
import shutil
import signal
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from training import one_run

from workflow.training import loop  # noqa: F401 (torch is imported before the forks)


def attempt(arguments: list[str], calls: Path, last: float) -> bool:
    """Fork; the child runs and dies at its call number `last`. True if it completed; its calls are in `calls`."""
    child = os.fork()
    if child == 0:
        count = 0

        def tick(*_: object) -> None:
            nonlocal count
            count += 1
            if count >= last:
                os.kill(os.getpid(), signal.SIGKILL)

        sys.setprofile(tick)
        code = one_run.status(arguments)
        sys.setprofile(None)
        calls.write_text(str(count))
        os._exit(code)
    status = os.waitpid(child, 0)[1]
    if os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL:
        return False
    if os.waitstatus_to_exitcode(status) != 0:
        sys.exit(f"a run exited with status {os.waitstatus_to_exitcode(status)}")
    return True


def main(data: str, specification: str, folder: str, kills: str, seed: str) -> None:
    root, draw = Path(folder), random.Random(seed)
    calls, checkpoint = root / "calls", root / "checkpoint"

    def arguments(number: int) -> list[str]:
        given = {"specification": specification, "data": data, "output": root / str(number), "checkpoint": checkpoint}
        words = [word for name, value in given.items() for word in (f"--{name}", str(value))]
        return [*words, "--checkpoint-seconds", "0"]

    attempt(arguments(0), calls, float("inf"))
    total = int(calls.read_text())
    done, completed = 0, 0
    while done < int(kills) or not completed:
        # most kills come after some progress, and each run meets several
        last = draw.randrange(1, total // 2) if done < int(kills) else float("inf")
        if attempt(arguments(completed + 1), calls, last):
            completed += 1
            shutil.rmtree(checkpoint, ignore_errors=True)
        else:
            done += 1
    completed += attempt(arguments(completed + 1), calls, float("inf"))  # what the last kill left
    folders = [str(root / str(number)) for number in range(completed + 1)]
    print(json.dumps({"calls": total, "kills": done, "folders": folders}))


if __name__ == "__main__":
    main(*sys.argv[1:])
