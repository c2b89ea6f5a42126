"""metrics.jsonl while a run goes on: a thread writes it, so that a slow disk never holds up a step."""

import json
import queue
import threading
from pathlib import Path
from typing import Any

from workflow.storage import files


class Stream:
    """Begins with `history` (what a checkpoint remembers: later lines are gone), then appends line by line."""

    def __init__(self, path: Path, history: list[dict[str, Any]]):
        files.write_text(path, "".join(line(entry) for entry in history))
        self._queue: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self._error: Exception | None = None
        self._thread = threading.Thread(target=self._write, args=(path,), daemon=True)
        self._thread.start()

    def append(self, entry: dict[str, Any]) -> None:
        self._queue.put(line(entry))

    def close(self) -> None:
        """Wait until everything is written; an error of the thread (a full disk) is raised here."""
        self._queue.put(None)
        self._thread.join()
        if self._error is not None:
            raise self._error

    def _write(self, path: Path) -> None:
        try:
            with path.open("a") as file:
                while (text := self._queue.get()) is not None:
                    file.write(text)
                    file.flush()
        except Exception as error:  # raised by close, not lost in the thread
            self._error = error


def line(entry: dict[str, Any]) -> str:
    return json.dumps(entry, allow_nan=False) + "\n"
