"""What the models of configuration and record say about themselves: JSON schemas and the documentation's tables."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from workflow.experiments.configuration import Configuration
from workflow.experiments.record import Record
from workflow.storage.files import write_text

PLACEHOLDERS = {"datasets": "<data set>", "models": "<model>", "for": "<where>"}
BOUNDS = {"minimum": "from {}", "exclusiveMinimum": "above {}", "maximum": "to {}", "exclusiveMaximum": "below {}"}
INTRODUCTION = """\
# Configuration and record

Generated from `workflow/experiments/configuration.py` and `record.py` by `python -m workflow.experiments.reference`.

## Keys of a configuration

An unknown key is an error. A key without a default must be given; further keys of a model are parameters of its format.
`<where>` is a front end (`pixels`), a data set (`ucf11`) or both (`ucf11/pixels`).

"""


def files() -> dict[str, str]:
    """Return the generated files of the project: path -> text."""
    return {
        "workflow/schemas/config.schema.json": _json(Configuration.model_json_schema()),
        "workflow/schemas/result.schema.json": _json(Record.model_json_schema()),
        "docs/configuration.md": _page(),
    }


def _json(schema: dict[str, Any]) -> str:
    return json.dumps({"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}, indent=1) + "\n"


def _page() -> str:
    keys = _table("Key", Configuration.model_json_schema())
    record = _table("Key", Record.model_json_schema())
    return f"{INTRODUCTION}{keys}\n## Keys of a record, result.json\n\n{record}"


def _table(heading: str, schema: dict[str, Any]) -> str:
    rows = [[f"`{key}`", _type(about), _default(about), about.get("description", "")] for key, about in _keys(schema)]
    lines = [[heading, "Type", "Default", "Meaning"], ["---"] * 4, *rows]
    return "".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in row)} |\n" for row in lines)


def _keys(schema: dict[str, Any], definitions: dict[str, Any] | None = None, prefix: str = "") -> Iterator[tuple]:
    """Every key and what the schema says about it; the keys of a mapping follow it."""
    definitions = definitions or schema.get("$defs", {})
    for name, about in schema.get("properties", {}).items():
        yield f"{prefix}{name}", about
        inside = f"{prefix}{name}.{PLACEHOLDERS[name]}." if name in PLACEHOLDERS else f"{prefix}{name}."
        repeated = name == "for" or (name == "training" and prefix)  # listed above
        if (reference := _content(about).get("$ref")) and not repeated:
            yield from _keys(definitions[reference.rpartition("/")[2]], definitions, inside)


def _content(about: dict[str, Any]) -> dict[str, Any]:
    """What a mapping's values are; `about` itself if it is none with free keys."""
    patterns = list(about.get("patternProperties", {}).values())
    values = patterns[0] if patterns else about.get("additionalProperties")
    return values if isinstance(values, dict) else about


def _type(about: dict[str, Any]) -> str:
    if "$ref" in about or about.get("type") == "object":
        return "mapping"
    for several in ("anyOf", "oneOf"):
        if several in about:
            return " or ".join(_type(one) for one in about[several])
    if "enum" in about:
        return ", ".join(f"`{value}`" for value in about["enum"])
    if "const" in about:
        return f"`{about['const']}`"
    if about["type"] == "array":
        return f"list of {_type(about['items'])}"
    return " ".join([about["type"], *(text.format(about[name]) for name, text in BOUNDS.items() if name in about)])


def _default(about: dict[str, Any]) -> str:
    if "default" not in about or isinstance(about["default"], dict):
        return ""
    return f"`{json.dumps(about['default'])}`"


if __name__ == "__main__":
    for path, text in files().items():
        write_text(Path(path), text)
        print(path)
