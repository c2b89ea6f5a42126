"""Write the JSON schemas and the key reference of the documentation, both generated from the code."""

from pathlib import Path

from workflow.experiments import reference
from workflow.storage.files import write_text


def main() -> None:
    """Write the JSON schemas of configuration and record, and docs/configuration.md, from their models."""
    for path, text in reference.files().items():
        write_text(Path(path), text)
        print(path)
