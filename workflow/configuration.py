"""The configuration: read, checked once, and resolved into the specification of each run.

Everything here is plain data and torch-free, so that the Snakefile, the steps and the tests share it and a typo
is answered within a second.
"""

import copy
import itertools
from pathlib import Path
from typing import Any

import jsonschema
import yaml

SCHEMA = yaml.safe_load((Path(__file__).parent / "schemas" / "config.schema.yaml").read_text())
RUN_AXES = ("dataset", "front_end", "model", "protocol", "fold", "seed")


class ConfigurationError(ValueError):
    """A configuration that cannot be run; the message names the key, the value and what was expected."""


def load(path: str | Path, overrides: dict[str, Any] | None = None) -> dict[str, Any]:
    """Read config/<name>.yaml, merge `overrides` into it, check it and fill in the defaults."""
    path = Path(path)
    try:
        raw = yaml.safe_load(path.read_text())
    except FileNotFoundError:
        raise ConfigurationError(f"{path}: no such configuration file") from None
    except yaml.YAMLError as error:
        raise ConfigurationError(f"{path}: not valid YAML: {error}") from None
    return complete(merge(raw or {}, overrides or {}), origin=str(path))


def merge(base: Any, over: Any) -> Any:
    """`over` wins; mappings are merged key by key, anything else is replaced."""
    if isinstance(base, dict) and isinstance(over, dict):
        merged = {key: merge(base[key], over[key]) if key in over else base[key] for key in base}
        return merged | {key: value for key, value in over.items() if key not in base}
    return copy.deepcopy(over)


def complete(raw: dict[str, Any], origin: str = "configuration") -> dict[str, Any]:
    """Check `raw` against the schema and return it with every default filled in."""
    config = copy.deepcopy(raw)
    if isinstance(config, dict) and isinstance(config.get("datasets"), dict):
        config["datasets"] = {name: entry or {} for name, entry in config["datasets"].items()}
    _check(config, SCHEMA, origin)
    _fill(config, SCHEMA)
    _check_overlays(config, origin)
    return config
