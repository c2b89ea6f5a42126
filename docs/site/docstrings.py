"""Docstrings as Markdown, for the API reference: examples become blocks, each argument and equation begins a line."""

import re
from typing import Any

import griffe

EXAMPLE = re.compile(r"^>>> .*(?:\n.+)*", re.MULTILINE)
ENTRY = re.compile(r"\n(?=[a-zσW]\w*\*?(?:, \w+)*(?:: | = ))")


class Docstrings(griffe.Extension):
    def on_object(self, *, obj: griffe.Object, **_: Any) -> None:
        if obj.docstring:
            text = EXAMPLE.sub(r"```pycon\n\g<0>\n```", obj.docstring.value)
            obj.docstring.value = ENTRY.sub("  \n", text)
