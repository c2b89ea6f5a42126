"""The weight formats that the paper compares, each a declaration of cores in a file of its own.

A new format is a new file here: a function `declare(shared, ...)` whose further arguments are the format's
parameters in the configuration, and which returns `declaration(name, shared, network, authors)` (`_declaration.py`;
`tensor_ring.py` is a short example). Importing this package and declaring models does not import torch.
"""

import inspect
import pkgutil
import traceback
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from baselines._declaration import COMMON, Declaration, common

if TYPE_CHECKING:
    from fdht.recurrent import Recurrent

FORMATS: dict[str, ModuleType] = {
    module.name: import_module(f"baselines.{module.name}")
    for module in pkgutil.iter_modules(__path__)
    if not module.name.startswith("_")
}


def declare(format: str, **arguments: Any) -> Declaration:
    """A recurrent layer as plain data: counts and complexity without torch.

    format: a key of FORMATS. arguments: input_size, hidden_size, cell ("lstm" | "gru"), init ("matched" |
    "authors"), gain, forget_bias, and the parameters of the format. Raises ValueError for an unknown format or
    parameter, a missing one, and impossible values.
    """
    if format not in FORMATS:
        raise ValueError(f"format is {format!r}; expected one of {', '.join(FORMATS)}")
    known = inspect.signature(FORMATS[format].declare).parameters
    accepted = [*COMMON, *list(known)[1:]]
    for name in arguments:
        if name not in accepted:
            raise ValueError(f"{name} is no parameter of format {format!r}; expected some of {', '.join(accepted)}")
    required = [name for name, parameter in list(known.items())[1:] if parameter.default is parameter.empty]
    for name in ["input_size", "hidden_size", *required]:
        if name not in arguments:
            raise ValueError(f"{name} is missing; format {format!r} needs it")
    own = {name: value for name, value in arguments.items() if name not in COMMON}
    shared = common(arguments)
    try:
        return FORMATS[format].declare(shared, **own)
    except TypeError as error:  # a value of the wrong kind, or a mistake in the format's own file
        place = traceback.extract_tb(error.__traceback__)[-1]
        where = f"{Path(place.filename).name}, line {place.lineno}"
        raise ValueError(f"format {format!r} fails with these parameters: {error} ({where})") from error


def build(format: str, *, device: Any = None, dtype: Any = None, **arguments: Any) -> "Recurrent":
    """The torch module of `declare(format, **arguments)`: recurrent(x, initial_state=None, lengths=None).

    x (B, T, D), floating or uint8; see `fdht.recurrent.Recurrent`, which this is with batch_first=True. Random
    start values come from torch's global generator.
    """
    from baselines._module import module

    return module(declare(format, **arguments), device=device, dtype=dtype)
