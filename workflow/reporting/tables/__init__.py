"""The tables, one per file. A new file that defines TABLE appears in the tables, the report and the article."""

from importlib import import_module
from pkgutil import iter_modules

from workflow.reporting.table import Table


def _registered() -> dict[str, Table]:
    found = {}
    for entry in iter_modules(__path__):
        table = import_module(f"{__name__}.{entry.name}").TABLE
        if table.name != entry.name:
            raise ValueError(f"{__name__}.{entry.name}: TABLE.name is {table.name!r}; expected the name of the file")
        found[table.name] = table
    return dict(sorted(found.items(), key=lambda item: item[1].place))


TABLES: dict[str, Table] = _registered()
