"""A configuration as a file: whatever is wrong with it as text is one sentence with the file and the line."""

from pathlib import Path
from typing import Any

import yaml


class ConfigurationError(ValueError):
    """A configuration that cannot be run; the message names file, key, value and expectation."""


def read(path: Path) -> tuple[str, dict[str, Any]]:
    """The text of a file and the mapping that it holds."""
    try:
        text = path.read_bytes().decode()
        tree = yaml.compose(text, Loader=yaml.SafeLoader)
    except FileNotFoundError:
        raise ConfigurationError(f"{path}: no such configuration file") from None
    except OSError as error:
        raise ConfigurationError(f"{path}: cannot be read: {error.strerror}") from None
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise ConfigurationError(f"{path}: not valid YAML: line {line} is not UTF-8; save it as UTF-8") from None
    except yaml.YAMLError as error:
        raise _wrong(path, error) from None
    if not isinstance(tree, yaml.MappingNode):
        found = "nothing" if tree is None else f"a {tree.id}"
        raise ConfigurationError(f"{path}: holds {found}; expected keys and values, as config/demo.yaml has them")
    _check_keys(path, tree, set())
    try:
        return text, yaml.safe_load(text)
    except yaml.YAMLError as error:  # an unknown tag
        raise _wrong(path, error) from None


def _wrong(path: Path, error: yaml.YAMLError) -> ConfigurationError:
    mark, problem = getattr(error, "problem_mark", None), getattr(error, "problem", None)
    if mark is None:  # a character that YAML does not allow
        return ConfigurationError(f"{path}: not valid YAML: {str(error).splitlines()[0]}; remove it")
    return ConfigurationError(f"{path}: not valid YAML: line {mark.line + 1}: {problem}; mend it there or just above")


def _check_keys(path: Path, node: yaml.Node, known: set[int]) -> None:
    """YAML takes the last of two equal keys and says nothing."""
    if id(node) in known:  # an alias
        return
    known.add(id(node))
    if isinstance(node, yaml.MappingNode):
        lines: dict[str, int] = {}
        for key, value in node.value:
            line = key.start_mark.line + 1
            if isinstance(key, yaml.ScalarNode) and lines.setdefault(key.value, line) != line:
                raise ConfigurationError(
                    f"{path}: line {line}: {key.value!r} is there twice, in line {lines[key.value]} too; remove one"
                )
            _check_keys(path, value, known)
    elif isinstance(node, yaml.SequenceNode):
        for value in node.value:
            _check_keys(path, value, known)
