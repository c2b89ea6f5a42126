"""The configuration: read, checked once and completed with its defaults.

Everything here is plain data and torch-free, so that the Snakefile, the steps and the tests share it and a
typo is answered within a second. What a configuration means for one run is in workflow/experiments/specification.py.
"""

import copy
import difflib
import hashlib
import itertools
import json
import math
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import jsonschema
import yaml

from workflow.datasets.catalogue import CATALOGUE
from workflow.datasets.front_ends import EXTRACTED, FRONT_ENDS
from workflow.experiments.configuration_file import ConfigurationError, read

SCHEMA = yaml.safe_load((Path(__file__).resolve().parents[1] / "schemas" / "config.schema.yaml").read_text())
SCHEMA["properties"]["front_ends"]["items"]["enum"] = list(FRONT_ENDS)
for _name in EXTRACTED:
    SCHEMA["properties"][_name] = copy.deepcopy(SCHEMA["$defs"]["front_end"])
    if not FRONT_ENDS[_name].weights:
        del SCHEMA["properties"][_name]["properties"]["weights"]
SEAL = "# sha256 of the lines above: "  # the last line of a configuration that the pipeline has resolved


def load(path: str | Path) -> dict[str, Any]:
    """Read a file of config/, check it and fill in the defaults."""
    path = Path(path)
    text, raw = read(path)
    above, mark, written = text.rpartition(SEAL)
    if mark and written.strip() != hashlib.sha256(above.encode()).hexdigest():
        raise ConfigurationError(
            f"{path}: is not as it was written; remove it and start again (or remove its last line, if you changed it)"
        )
    return complete(raw, origin=str(path))


def load_own(path: str | Path) -> dict[str, Any]:
    """`load` for the file that a user gives. Its name is also that of its results: a copy of it must have another."""
    config = load(path)
    if config["name"] != Path(path).stem:
        raise ConfigurationError(
            f"{path}: name: {config['name']!r} is where results are written; expected {Path(path).stem!r}, "
            "the name of the file (change one of them)"
        )
    return config


def complete(raw: Any, origin: str = "configuration") -> dict[str, Any]:
    """`raw`, checked against the schema, with every default filled in; `origin` begins each error.

    Models keep their keys as given: they are laid over the defaults run by run.
    """
    config = retyped(copy.deepcopy(raw))
    _check_finite(config, origin)
    if isinstance(config, dict) and isinstance(config.get("datasets"), dict):
        config["datasets"] = {name: {} if set_ is None else set_ for name, set_ in config["datasets"].items()}
    check(config, SCHEMA, origin)
    _check_overlays(config, origin)
    return _with_defaults(config, {**SCHEMA, "properties": {**SCHEMA["properties"], "models": {}}})


def retyped(value: Any) -> Any:
    """Numbers, booleans and null that are text: to YAML 1e-3 is, and to Snakemake all that lies in a mapping."""
    if isinstance(value, dict):
        return {key: retyped(part) for key, part in value.items()}
    if isinstance(value, list):
        return [retyped(part) for part in value]
    if not isinstance(value, str):
        return value
    try:
        meant = yaml.safe_load(value)
        if isinstance(meant, str):
            meant = float(meant)  # 1e-3 is text to YAML
    except (ValueError, yaml.YAMLError):
        return value
    return meant if meant is None or isinstance(meant, (bool, int, float)) else value


def _check_finite(value: Any, origin: str, key: str = "") -> None:
    if isinstance(value, float) and not math.isfinite(value):
        raise ConfigurationError(f"{origin}: {key}: {value} is not a finite number")
    for name, part in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        _check_finite(part, origin, f"{key}.{name}" if key else str(name))


def check(value: Any, schema: dict[str, Any], origin: str, prefix: str = "") -> None:
    """Raise ConfigurationError for the first thing in `value` that `schema` does not allow."""
    validator = jsonschema.Draft202012Validator({"$defs": SCHEMA["$defs"], **schema})
    errors = sorted(validator.iter_errors(value), key=lambda error: list(map(str, error.absolute_path)))
    if not errors:
        return
    error = errors[0]
    key = ".".join([prefix] * bool(prefix) + [str(part) for part in error.absolute_path])
    raise ConfigurationError(": ".join([origin] + [key] * bool(key) + [_sentence(error)]))


def _sentence(error: jsonschema.ValidationError) -> str:
    if error.validator == "additionalProperties":
        known = sorted(error.schema.get("properties", {}))
        unknown = next(name for name in error.instance if name not in known)
        return f"unknown key {unknown!r}; {hint(unknown, known)}"
    if error.validator == "required":
        missing = [name for name in error.validator_value if name not in error.instance]
        return f"missing {', '.join(missing)}"
    if error.validator == "type":
        kinds = error.validator_value if isinstance(error.validator_value, list) else [error.validator_value]
        return f"{error.instance!r} is not of type {' or '.join(kinds)}"
    if error.validator == "oneOf":
        return f"{error.instance!r} is not what was expected: {error.schema['description']}"
    return error.message


def hint(unknown: Any, known: Iterable[str]) -> str:
    """The end of a sentence about an unknown name: the one that was probably meant, or all that there are."""
    near = difflib.get_close_matches(str(unknown), known, n=1)
    return f"did you mean {near[0]!r}?" if near else f"known: {', '.join(known)}"


def _with_defaults(value: Any, schema: dict[str, Any]) -> Any:
    if not isinstance(value, dict):
        return value
    properties, others = schema.get("properties", {}), schema.get("additionalProperties")
    filled = {}
    for key, part in properties.items():
        if "$ref" in part:  # the only one is training's
            part = {**SCHEMA["$defs"]["training"], **part}
        if key in value or "default" in part:
            filled[key] = _with_defaults(value.get(key, copy.deepcopy(part.get("default"))), part)
    for key in value.keys() - properties.keys():
        filled[key] = _with_defaults(value[key], others) if isinstance(others, dict) else value[key]
    # the order of the file stays: it decides the order of the tables
    return {key: filled[key] for key in [*value, *filled]}


def overlay_keys(dataset: str, front_end: str) -> tuple[str, str, str]:
    """The keys of a `for:` block that concern one data set and front end, the stronger last."""
    return front_end, dataset, f"{dataset}/{front_end}"


def _check_overlays(config: dict[str, Any], origin: str) -> None:
    """Keys of a `for:` are a front end, a data set or both; what they say of training is checked too."""
    pairs = itertools.product(CATALOGUE, FRONT_ENDS)
    allowed = {key for dataset, front_end in pairs for key in overlay_keys(dataset, front_end)}
    blocks = {"training": config.get("training", {}).get("for", {})}
    for name, entry in config["models"].items():
        blocks[f"models.{name}"] = entry.get("for", {})
    for prefix, block in blocks.items():
        for key, overlay in block.items():
            where = f"{prefix}.for.{key}"
            if key not in allowed:
                raise ConfigurationError(
                    f"{origin}: {where}: {key!r} is not a front end ({', '.join(FRONT_ENDS)}), "
                    f"a data set ({', '.join(CATALOGUE)}) or data set/front end"
                )
            if prefix == "training":
                check(overlay, SCHEMA["$defs"]["training"], origin, where)
            else:
                check(overlay.get("training", {}), SCHEMA["$defs"]["training"], origin, f"{where}.training")
    for name in config["datasets"]:
        if name not in CATALOGUE:
            raise ConfigurationError(f"{origin}: datasets: unknown data set {name!r}; {hint(name, CATALOGUE)}")


if __name__ == "__main__":  # a configuration resolved by Snakemake, as JSON -> a file of its own
    resolved = yaml.safe_dump(complete(json.loads(sys.argv[1])), sort_keys=False, allow_unicode=True)
    print(f"{resolved}{SEAL}{hashlib.sha256(resolved.encode()).hexdigest()}")
