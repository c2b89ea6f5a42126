"""Format: one entry of the registry, filled in from the functions of a format's module. Torch-free."""

import inspect
import math
import pkgutil
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from baselines._declaration import OPTIONS, AuthorsStart, Declaration, Fitted
from fdht.mega import GATES
from fdht.network import Network
from fdht.placement import Placement
from fdht.shapes import choice, natural

SIZES = ("input_size", "hidden_size")
OPTIONAL = ("authors", "prepare", "fit", "restore")  # functions of a format's file


@dataclass(frozen=True)
class Format:
    """An entry of `baselines.FORMATS`. Its functions come from its module; the package docstring describes them.

    module: the import path of its file. naive: True for the naive baselines.
    """

    name: str
    module: str
    declare: Callable[..., Network | tuple[Network, Placement | Network] | Fitted]
    authors: Callable[[Network], dict[str, AuthorsStart]] = lambda network: {}
    prepare: Callable[[Any, float, float], Any] | None = None
    fit: Callable[..., tuple[Any, dict[str, Any]]] | None = None
    restore: Callable[[dict[str, Any]], Any] | None = None
    naive: bool = False

    @property
    def fitted(self) -> bool:
        """True if scikit-learn fits the model in one call, without epochs or a random element."""
        return self.fit is not None

    def declaration(self, arguments: dict[str, Any]) -> Declaration | Fitted:
        """Check `arguments` and return the model's declaration. Raises ValueError for invalid arguments."""
        known = inspect.signature(self.declare).parameters
        self._check_names(arguments, known)
        gates = GATES[choice("cell", arguments.get("cell", "lstm"), tuple(GATES))]
        sizes = {name: natural(name, arguments[name]) for name in SIZES if name in known}
        try:
            declared = self.declare(**{name: value for name, value in (arguments | sizes).items() if name in known})
        except (TypeError, LookupError, ArithmeticError, AttributeError) as error:  # a wrong type, or a bug of the file
            place = traceback.extract_tb(error.__traceback__)[-1]
            where = f"{Path(place.filename).name}, line {place.lineno}"
            raise ValueError(f"format {self.name!r} fails with these parameters: {error} ({where})") from error
        if isinstance(declared, Fitted):
            return declared
        W, other = declared if isinstance(declared, tuple) and len(declared) == 2 else (declared, None)
        placement, U = (None, other) if isinstance(other, Network) else (other, None)
        if not isinstance(W, Network) or not isinstance(placement, Placement | None):
            expected = "Network, (Network, Placement), (Network, Network) or Fitted"
            raise ValueError(f"format {self.name!r} returns a {type(declared).__name__}; expected {expected}")
        H, columns = sizes["hidden_size"], math.prod(placement.input_modes) if placement else sizes["input_size"]
        columns = W.input_size if self.prepare else columns  # of what it sees in place of the frames
        for name, network, width in (("W", W, columns), ("U", U, H)):
            if network and (shape := (network.output_size, network.input_size)) != (gates * H, width):
                raise ValueError(
                    f"format {self.name!r} declares {name} with the shape {shape}; expected {(gates * H, width)}"
                )
        init = choice("init", arguments.get("init", "matched"), ("matched", "authors"))
        authors = self._authors(W, arguments.get("code")) if init == "authors" else None
        options = {name: arguments[name] for name in OPTIONS if name in arguments}
        return Declaration(W, H, placement, U, authors, **options)

    def _authors(self, W: Network, code: str | None) -> AuthorsStart:
        """Return the initialisation in the authors' code called `code`, or in the first."""
        starts = self.authors(W)
        if not starts:
            reason = f"the authors of {self.name!r} published no code for these parameters"
            raise ValueError(f"init is 'authors', but {reason}; expected 'matched'")
        return starts[choice("code", code or next(iter(starts)), tuple(starts))]

    def _check_names(self, arguments: dict[str, Any], known: Any) -> None:
        accepted = list(dict.fromkeys([*known, *(("cell",) if self.fitted else (*OPTIONS, "init", "code"))]))
        for name in arguments:
            if name not in accepted:
                expected = ", ".join(accepted)
                raise ValueError(f"unknown parameter {name!r} of format {self.name!r}; known: {expected}")
        for name, parameter in known.items():
            if name not in arguments and parameter.default is parameter.empty:
                raise ValueError(f"format {self.name!r} requires the parameter {name!r}")


def find(package: str, naive: bool = False) -> dict[str, Format]:
    """Return the formats of a package: its modules that define `declare`, by name."""
    found = {}
    for entry in pkgutil.iter_modules(import_module(package).__path__):
        if entry.ispkg or entry.name.startswith("_"):
            continue
        module = import_module(f"{package}.{entry.name}")
        if hasattr(module, "declare"):
            optional = {name: getattr(module, name) for name in OPTIONAL if hasattr(module, name)}
            found[entry.name] = Format(entry.name, module.__name__, module.declare, naive=naive, **optional)
    return found
