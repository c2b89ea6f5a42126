"""Read YAML; an error in a file is one sentence with the file and the line."""

from pathlib import Path
from typing import Any

import yaml
from yaml.constructor import ConstructorError

from workflow.storage.errors import InputError


def read(path: Path) -> tuple[str, dict[str, Any]]:
    """Return the text of a file and the mapping that it holds."""
    try:
        text = path.read_bytes().decode()
        content = parse(text)
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
    except InputError as error:  # a key that appears twice
        raise InputError(f"{path}: {error}") from None
    if not isinstance(content, dict):
        found = "nothing" if content is None else f"a {type(content).__name__}"
        raise InputError(f"{path}: holds {found}; expected keys and values")
    return text, content


def parse(text: str) -> Any:
    """Return the data in YAML. Raises YAMLError, or InputError for a key that appears twice."""
    try:
        return yaml.load(text, _Loader)
    except RecursionError:
        raise yaml.YAMLError("nested too deeply") from None


class _Loader(yaml.SafeLoader):
    """A YAML loader with an error for every mistake.

    These are a key that appears twice, of which YAML would silently use the last (InputError), a value that its tag
    does not allow, and a list or mapping that holds itself.
    """

    def construct_object(self, node: yaml.Node, deep: bool = False) -> Any:
        try:  # deep: at once, before which PyYAML would put a list into itself
            return super().construct_object(node, deep=True)
        except (ValueError, LookupError, AttributeError):
            text = f"{node.value!r:.40} is not a valid {node.tag.rpartition(':')[2]}"
            raise ConstructorError(None, None, text, node.start_mark) from None

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
