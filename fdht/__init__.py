"""Fully decomposed hierarchical Tucker LSTM: weight matrices stored as tensor networks, and layers over them.

Importing this package does not import torch: layers import it on first use; declarations and counts never do.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from fdht.hierarchical import hierarchical_tucker
from fdht.mega import fully_decomposed
from fdht.network import Core, Network

if TYPE_CHECKING:
    from fdht.compression import compress
    from fdht.lstm import FDHTGRU, FDHTLSTM
    from fdht.maps import HierarchicalTucker, TensorMap
    from fdht.recurrent import Recurrent

_LATER = {
    "FDHTGRU": "lstm",
    "FDHTLSTM": "lstm",
    "HierarchicalTucker": "maps",
    "Recurrent": "recurrent",
    "TensorMap": "maps",
    "__version__": "version",
    "compress": "compression",
}
__all__ = ["FDHTGRU", "FDHTLSTM", "Core", "HierarchicalTucker", "Network", "Recurrent", "TensorMap",
           "__version__", "compress", "fully_decomposed", "hierarchical_tucker"]  # fmt: skip


def __dir__() -> list[str]:
    return __all__


def __getattr__(name: str) -> Any:
    if name in _LATER:
        return getattr(import_module(f"fdht.{_LATER[name]}"), name)
    raise AttributeError(f"module 'fdht' has no attribute {name!r}")
