"""The registry's entry: what the project knows of a format, read from the format's file. Torch-free."""

import inspect
import pkgutil
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from baselines._declaration import OPTIONS, AuthorsStart, Declaration, Fitted, options
from fdht.network import Network
from fdht.placement import Placement
from fdht.shapes import natural

SIZES = ("input_size", "hidden_size")


@dataclass(frozen=True)
class Format:
    """A format of `baselines.FORMATS`; the functions are those of its file, described in `baselines`.

    module: the import path of its file. naive: True for the naive baselines.
    """

    name: str
    module: str
    declare: Callable[..., Network | tuple[Network, Placement] | Fitted]
    authors: Callable[[Network], AuthorsStart | None] | None = None
    prepare: Callable[[Any, float, float], Any] | None = None
    fit: Callable[..., tuple[Any, dict[str, Any]]] | None = None
    naive: bool = False

    @property
    def fitted(self) -> bool:
        """True if scikit-learn fits the model at once, without epochs or a random element."""
        return self.fit is not None

    def declaration(self, arguments: dict[str, Any]) -> Declaration | Fitted:
        """Check `arguments` and declare the model. ValueError names the argument, its value and the expectation."""
        self._check_names(arguments)
        known = inspect.signature(self.declare).parameters
        sizes = {name: natural(name, arguments[name]) for name in SIZES if name in known}
        checked = options(arguments)
        given = {**arguments, **sizes, "cell": checked["cell"]}
        weights = self._call({name: value for name, value in given.items() if name in known})
        if isinstance(weights, Fitted):
            return weights
        W, placement = weights if isinstance(weights, tuple) else (weights, None)
        start = self._authors_start(W) if checked["init"] == "authors" else None
        return Declaration(
            self.name, W=W, hidden_size=sizes["hidden_size"], placement=placement, authors=start, **checked
        )

    def _check_names(self, arguments: dict[str, Any]) -> None:
        known = inspect.signature(self.declare).parameters
        accepted = list(dict.fromkeys([*known, *(("cell",) if self.fitted else OPTIONS)]))
        for name in arguments:
            if name not in accepted:
                expected = ", ".join(accepted)
                raise ValueError(f"{name} is no parameter of format {self.name!r}; expected some of {expected}")
        for name, parameter in known.items():
            if name not in arguments and parameter.default is parameter.empty:
                raise ValueError(f"{name} is missing; format {self.name!r} needs it")

    def _call(self, arguments: dict[str, Any]) -> Network | tuple[Network, Placement] | Fitted:
        try:
            return self.declare(**arguments)
        except TypeError as error:  # a value of the wrong kind, or a mistake in the format's own file
            place = traceback.extract_tb(error.__traceback__)[-1]
            where = f"{Path(place.filename).name}, line {place.lineno}"
            raise ValueError(f"format {self.name!r} fails with these parameters: {error} ({where})") from error

    def _authors_start(self, network: Network) -> AuthorsStart:
        start = None if self.authors is None else self.authors(network)
        if start is None:
            raise ValueError(
                f"init is 'authors' for format {self.name!r}, whose authors published no code for these parameters; "
                "expected 'matched'"
            )
        return start


def find(package: str, naive: bool = False) -> dict[str, Format]:
    """Return the formats of a package: its modules that define `declare`, by name."""
    names = [entry.name for entry in pkgutil.iter_modules(import_module(package).__path__) if not entry.ispkg]
    modules = {name: import_module(f"{package}.{name}") for name in names if not name.startswith("_")}
    optional = ("authors", "prepare", "fit")
    return {
        name: Format(
            name,
            module.__name__,
            module.declare,
            naive=naive,
            **{function: getattr(module, function, None) for function in optional},
        )
        for name, module in modules.items()
        if hasattr(module, "declare")
    }
