"""The figures, one per file. A new file that defines FIGURE appears in the figures, the report and the article."""

from importlib import import_module
from pkgutil import iter_modules

from workflow.reporting.drawing.figure import Figure


def _registered() -> dict[str, Figure]:
    found = {}
    for entry in iter_modules(__path__):
        figure = import_module(f"{__name__}.{entry.name}").FIGURE
        if figure.name != entry.name:
            raise ValueError(f"{__name__}.{entry.name}: FIGURE.name is {figure.name!r}; expected the name of the file")
        found[figure.name] = figure
    return dict(sorted(found.items(), key=lambda item: item[1].place))


FIGURES: dict[str, Figure] = _registered()
