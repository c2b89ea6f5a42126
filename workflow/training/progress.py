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
        self.every = max(1, epochs // 10)
        self.last = time.monotonic()
        self.bar = None
        if sys.stderr.isatty():
            self.bar = tqdm(total=epochs, initial=done, desc=name, unit="epoch", dynamic_ncols=True)

    def show(self, entry: dict[str, Any]) -> None:
        if self.bar is not None:
            wanted = ("train_loss", "train_accuracy", "validation_accuracy")
            self.bar.set_postfix({name: f"{entry[name]:.3f}" for name in wanted}, refresh=False)
            self.bar.update()
            return
        now, epoch = time.monotonic(), entry["epoch"]
        if epoch % self.every == 0 or epoch == self.epochs or now - self.last > SECONDS:
            self.last = now
            log(
                f"{self.name}: epoch {epoch}/{self.epochs}, loss {entry['train_loss']:.4f}, "
                f"accuracy train {entry['train_accuracy']:.3f}, validation {entry['validation_accuracy']:.3f}, "
                f"test {entry['test_accuracy']:.3f}"
            )

    def close(self) -> None:
        if self.bar is not None:
            self.bar.close()
