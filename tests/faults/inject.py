"""Faults on a running pipeline, many of them, and a count of what they cost.

    python tests/faults/inject.py --kills 100 --damages 2 --surroundings 2 --seconds 1800

A copy of the project runs a tiny configuration while this program kills random processes of it with SIGKILL; then it
cuts files of every kind and flips their bits, fills the disk, takes the right to write away, starts two pipelines at
once and sets the clock back (the disk and the right need a user who may mount). After each fault plain `./reproduce`
is started again. It must end with the results of an undisturbed run, or stop and name the file and the remedy, which is
then followed. Printed: the faults, and results lost, wrong, and wrong or missing without a message. They should be 0.
"""

import argparse
import os
import random
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parents[2]), str(Path(__file__).resolve().parents[1])]

from faults import damage, kills, surroundings  # noqa: E402
from faults.count import Count  # noqa: E402
from faults.pipeline import Pipeline  # noqa: E402

MEGABYTES = 400


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--damages", type=int, default=2, help="to each kind of file")
    parser.add_argument("--kinds", nargs="+", default=list(damage.FILES), choices=damage.FILES, help="of files")
    parser.add_argument("--surroundings", type=int, default=2, help="of each kind: disk, rights, pipelines, clock")
    parser.add_argument("--targets", nargs="*", default=[], help="what each start makes, in place of everything")
    parser.add_argument("--seconds", type=float, default=1800, help="no new fault after this many seconds")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args(arguments)
    chance, count, began = random.Random(options.seed), Count(), time.monotonic()
    deadline = began + options.seconds
    with ExitStack() as stack:
        aside = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="undisturbed-")))
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="faults-")))
        around = [surroundings.two_at_once, surroundings.clock_set_back]
        try:
            stack.enter_context(surroundings.small_disk(folder, MEGABYTES))
            around += [surroundings.full_disk, surroundings.read_only]
        except OSError as error:
            print(f"no full disk and no read-only folder: {error}")
        pipeline = Pipeline(folder, aside, options.targets)
        if options.kills:
            kills.kills(pipeline, options.kills, deadline, chance, count)
        todo = [(damage.damage, kind) for kind in options.kinds] * options.damages
        todo += [(fault, None) for fault in around] * options.surroundings
        chance.shuffle(todo)
        for fault, kind in todo:
            if time.monotonic() > deadline:
                print("no time left for the other faults")
                break
            fault(pipeline, *([kind] if kind else []), chance, count)
    for line in [*count.lost, *count.wrong, *count.silent]:
        print(line)
    print(f"{count} ({(time.monotonic() - began) / 60:.1f} minutes, seed {options.seed})")
    return int(count.failed)


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    sys.exit(main())
