"""Configuration files: load, check, resolve. An error in a file is one sentence with the file and the line."""

import hashlib
import json
import sys
from pathlib import Path
from typing import Any

import yaml

from workflow.experiments.configuration import Configuration, complete
from workflow.storage.errors import InputError

SEAL = "# sha256 of the lines above: "  # the last line of a configuration that the pipeline has resolved


def load(path: str | Path) -> Configuration:
    """Read a file of config/, check it and fill in the defaults."""
    path = Path(path)
    text, raw = read(path)
    above, mark, written = text.rpartition(SEAL)
    if mark and written.strip() != hashlib.sha256(above.encode()).hexdigest():
        raise InputError(
            f"{path}: does not match its checksum; delete it and rerun (or delete its last line if you edited it)"
        )
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


def read(path: Path) -> tuple[str, dict[str, Any]]:
    """Return the text of a file and the mapping that it holds."""
    try:
        text = path.read_bytes().decode()
        content = yaml.load(text, _Loader)
    except FileNotFoundError:
        raise InputError(f"{path}: no such configuration file") from None
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from None
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise InputError(f"{path}: not valid YAML: line {line} is not UTF-8; save it as UTF-8") from None
    except yaml.MarkedYAMLError as error:
        where = f"line {error.problem_mark.line + 1}: " if error.problem_mark else ""
        raise InputError(f"{path}: not valid YAML: {where}{error.problem}; correct it there or above") from None
    except yaml.YAMLError as error:
        raise InputError(f"{path}: not valid YAML: {str(error).splitlines()[0]}; remove it") from None
    except (InputError, ValueError) as error:  # a key that appears twice; a date that does not exist
        raise InputError(f"{path}: {error}") from None
    if not isinstance(content, dict):
        found = "nothing" if content is None else f"a {type(content).__name__}"
        raise InputError(f"{path}: holds {found}; expected keys and values, as config/demo.yaml has them")
    return text, content


class _Loader(yaml.SafeLoader):
    """A YAML loader that raises InputError for a key that appears twice: YAML would silently use the last."""

    def compose_mapping_node(self, anchor: dict[str, yaml.Node]) -> yaml.MappingNode:
        node = super().compose_mapping_node(anchor)
        lines: dict[str, int] = {}
        for key, _ in node.value:
            line = key.start_mark.line + 1
            if isinstance(key, yaml.ScalarNode) and lines.setdefault(key.value, line) != line:
                raise InputError(
                    f"line {line}: {key.value!r} appears twice, also in line {lines[key.value]}; delete one"
                )
        return node


if __name__ == "__main__":  # a configuration as JSON -> the text of its file
    print(resolved(complete(json.loads(sys.argv[1]))), end="")
