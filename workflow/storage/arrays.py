"""The arrays of the data steps: <name>.npy, described by <name>.json with the digest of its bytes."""

import hashlib
from pathlib import Path
from tokenize import TokenError

import numpy as np

from workflow.storage.files import read_json
from workflow.storage.seal import DamagedError


def digest(array: np.ndarray) -> str:
    """Return the sha256 of an array's bytes, without the header of its .npy file."""
    return hashlib.sha256(array.reshape(-1).view(np.uint8).data).hexdigest()


def load_array(about: Path) -> np.ndarray:
    """Verify the array that `about` describes (a second per gigabyte) and return it memory-mapped, copy-on-write."""
    path, remedy = about.with_suffix(".npy"), f"delete {about} and rerun; it will be rebuilt"
    try:
        array = np.lib.format.open_memmap(path, mode="c")
    except (OSError, ValueError, SyntaxError, TokenError) as error:  # the header is a Python literal
        raise DamagedError(f"{path} cannot be read ({error}); {remedy}") from None
    if digest(array) != read_json(about)["digest"]:
        raise DamagedError(f"{path} is corrupt (checksum mismatch); {remedy}")
    return array
