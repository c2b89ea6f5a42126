"""resources/<data set>/lock.json: the checksum of every file as it was first downloaded."""

from pathlib import Path
from typing import Any

from workflow.datasets.files import read_json, write_json


class Lock:
    """Checksums by address. Mirrors may pack the same clips differently, so each address has its own."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._entries: dict[str, dict[str, Any]] = read_json(path) if path.is_file() else {}

    def get(self, url: str) -> dict[str, Any] | None:
        """`{"file", "sha256", "bytes"}` of the first download from `url`."""
        return self._entries.get(url)

    def record(self, url: str, file: str, sha256: str, size: int) -> None:
        """Remember a verified download; what was recorded before is never changed."""
        if url not in self._entries:
            self._entries[url] = {"file": file, "sha256": sha256, "bytes": size}
            write_json(self.path, self._entries)
