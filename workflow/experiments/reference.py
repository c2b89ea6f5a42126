"""Generate JSON schemas and the documentation's tables from the models of configuration and record."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from workflow.experiments.configuration import WithSections
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
RECORD = "## Keys of a record, result.json\n\n"


def files() -> dict[str, str]:
    """Return the generated files of the project: path -> text."""
    config, record = WithSections.model_json_schema(), Record.model_json_schema()
    return {
        "workflow/schemas/config.schema.json": _json(config),
        "workflow/schemas/result.schema.json": _json(record),
        "docs/configuration.md": f"{INTRODUCTION}{_table(config)}\n{RECORD}{_table(record)}",
    }


def _json(schema: dict[str, Any]) -> str:
    return json.dumps({"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}, indent=1) + "\n"


def _table(schema: dict[str, Any]) -> str:
    rows = [[f"`{key}`", _type(about), _default(about), _meaning(about)] for key, about in _keys(schema)]
    lines = [["Key", "Type", "Default", "Meaning"], ["---"] * 4, *rows]
    return "".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in row)} |\n" for row in lines)


def _keys(schema: dict[str, Any], definitions: dict[str, Any] | None = None, prefix: str = "") -> Iterator[tuple]:
    """Yield every key with its description in the schema; the keys of a mapping follow it."""
    definitions = definitions or schema.get("$defs", {})
    for name, about in schema.get("properties", {}).items():
        yield f"{prefix}{name}", about
        values = about
        if name in PLACEHOLDERS:  # the keys of the mapping are free
            values = next(iter(about.get("patternProperties", {}).values()), about.get("additionalProperties"))
        repeated = name == "for" or (name == "training" and prefix)  # listed above
        if "$ref" in values and not repeated:
            inside = f"{prefix}{name}.{PLACEHOLDERS[name]}." if name in PLACEHOLDERS else f"{prefix}{name}."
            yield from _keys(definitions[values["$ref"].rpartition("/")[2]], definitions, inside)


def _type(about: dict[str, Any]) -> str:
    if "$ref" in about or about.get("type") == "object":
        return "mapping"
    if several := about.get("anyOf") or about.get("oneOf"):
        return " or ".join(map(_type, several))
    if "enum" in about or "const" in about:
        return ", ".join(f"`{value}`" for value in about.get("enum") or [about["const"]])
    if about["type"] == "array":
        return f"list of {_type(about['items'])}"
    return " ".join([about["type"], *(text.format(about[name]) for name, text in BOUNDS.items() if name in about)])


def _meaning(about: dict[str, Any]) -> str:
    return about.get("description", "").replace("<", "&lt;")  # no tag of HTML


def _default(about: dict[str, Any]) -> str:
    given = "default" in about and not isinstance(about["default"], dict)
    return f"`{json.dumps(about['default'])}`" if given else ""


if __name__ == "__main__":
    for path, text in files().items():
        write_text(Path(path), text)
        print(path)
