"""Fully decomposed hierarchical Tucker LSTM: weight matrices stored as tensor networks, and layers over them.

Importing this package does not import torch: layers import it on first use; declarations and counts never do.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from fdht.hierarchical import hierarchical_tucker
from fdht.mega import fully_decomposed
from fdht.network import Core, Network

if TYPE_CHECKING:
    from fdht.lstm import FDHTLSTM
    from fdht.maps import HierarchicalTucker, TensorMap
    from fdht.recurrent import Recurrent

_LAYERS = {"FDHTLSTM": "lstm", "HierarchicalTucker": "maps", "TensorMap": "maps", "Recurrent": "recurrent"}
__all__ = ["FDHTLSTM", "Core", "HierarchicalTucker", "Network", "Recurrent", "TensorMap", "fully_decomposed",
           "hierarchical_tucker"]  # fmt: skip


def __getattr__(name: str) -> Any:
    if name in _LAYERS:
        return getattr(import_module(f"fdht.{_LAYERS[name]}"), name)
    raise AttributeError(f"module 'fdht' has no attribute {name!r}")
