"""Configuration files: load, check, resolve."""

import hashlib
import json
import sys
from pathlib import Path

import yaml

from workflow.experiments.configuration import Configuration, complete
from workflow.storage.errors import InputError
from workflow.storage.yaml_file import read

SEAL = "# sha256 of the lines above: "  # the last line of a configuration that the pipeline has resolved


def load(path: str | Path) -> Configuration:
    """Read a file of config/, check it and fill in the defaults."""
    path = Path(path)
    text, raw = read(path)
    if SEAL in text and not intact(text.encode()):
        raise InputError(f"{path}: does not match its checksum; delete its last line if you edited it")
    return complete(raw, origin=str(path))


def load_own(path: str | Path) -> Configuration:
    """`load` a user's file, whose `name` must begin with its file name, so that a copy does not share its results."""
    config, stem = load(path), Path(path).stem
    if config.name != stem and not config.name.startswith(f"{stem}-"):
        raise InputError(
            f"{path}: name: {config.name!r} names the folder of the results; expected {stem!r}, the name of the file, "
            f"or {stem}-... (change one of them)"
        )
    return config


def resolved(config: Configuration) -> str:
    """Return the text of a configuration file with every default filled in and a checksum."""
    text = yaml.safe_dump(config.plain, sort_keys=False, allow_unicode=True)
    return f"{text}{SEAL}{hashlib.sha256(text.encode()).hexdigest()}\n"


def intact(content: bytes) -> bool:
    """Return whether a file is as `resolved` made it."""
    above, _, written = content.rpartition(SEAL.encode())
    return written.decode(errors="replace").strip() == hashlib.sha256(above).hexdigest()


if __name__ == "__main__":  # a configuration as JSON -> the text of its file
    print(resolved(complete(json.loads(sys.argv[1]))), end="")
