"""What a person sees of a run: a bar on a terminal, about ten lines in a log."""

import sys
import time
from typing import Any

from tqdm import tqdm

SECONDS = 60.0  # a log gets a line at least this often


def log(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


class Progress:
    """`show(entry)` after each epoch; `entry` is its line of metrics.jsonl."""

    def __init__(self, name: str, epochs: int, done: int):
        self.name, self.epochs = name, epochs
        self.last = time.monotonic()
        self.bar = tqdm(total=epochs, initial=done, desc=name, unit="epoch", dynamic_ncols=True, disable=None)
        self.close = self.bar.close

    def show(self, entry: dict[str, Any]) -> None:
        names = ("train_loss", "train_accuracy", "validation_accuracy")
        self.bar.set_postfix({name: f"{entry[name]:.3f}" for name in names}, refresh=False)
        self.bar.update()
        epoch, now = entry["epoch"], time.monotonic()
        due = epoch % max(1, self.epochs // 10) == 0 or epoch == self.epochs or now - self.last > SECONDS
        if self.bar.disable and due:  # no terminal
            self.last = now
            log(
                f"{self.name}: epoch {epoch}/{self.epochs}, loss {entry['train_loss']:.4f}, "
                f"accuracy train {entry['train_accuracy']:.3f}, validation {entry['validation_accuracy']:.3f}, "
                f"test {entry['test_accuracy']:.3f}"
            )
