"""Find tables and figures: each is the TABLE or FIGURE of its own file."""

from collections.abc import Iterable
from importlib import import_module
from pkgutil import iter_modules
from typing import Any


def registered(package: str, path: Iterable[str], attribute: str) -> dict[str, Any]:
    """Import every module of `package` and return {name: its `attribute`}, sorted by the attribute's `order`."""
    found = {}
    for entry in iter_modules(path):
        own = getattr(import_module(f"{package}.{entry.name}"), attribute)
        if own.name != entry.name:
            raise ValueError(
                f"{package}.{entry.name}: {attribute}.name is {own.name!r}; expected {entry.name!r}, its file name"
            )
        found[own.name] = own
    return dict(sorted(found.items(), key=lambda item: item[1].order))
