"""The weight formats that the paper compares, and the naive baselines that put their accuracies into perspective.

Each format is a file, found here by its name: a weight format in this folder, a naive baseline in `naive/`.
FDHT's own declaration is `fdht.mega.fully_decomposed`. A format file defines

    declare(input_size, hidden_size, ..., cell="lstm") -> Network
        The cores of W (G H, D), G = 4 gates (lstm) or 3 (gru). Further arguments are the format's parameters in the
        configuration. Returns (Network, Placement) if W holds U too, (Network, Network) for W and a U that is not
        dense. Raises ValueError for impossible values.

and, where they apply,

    authors(network) -> dict[str, AuthorsStart]
        How the authors' code initialises these cores (`init: authors`), by `code`, the short name in docs/recipes.md;
        empty if there is no code for them.
    prepare(clips, scale, shift) -> clips
        What the model sees in place of the stored clips (N, T, ...), normalised as x * scale + shift.
    fit(x, y, validation_x, validation_y) -> (estimator, arrays)
        For a classifier that is fitted in one call instead of trained by epochs; x (n, features), y (n,) class indices.
        validation_x, validation_y: None without a validation part.
        Returns scikit-learn's estimator and the arrays to store. Its `declare` returns `Fitted`.
    restore(arrays) -> estimator
        The fitted classifier, from what `fit` stored.

`tensor_ring.py` is a short example to copy. Neither importing this package nor declaring a model imports torch.
"""

from typing import TYPE_CHECKING, Any

from baselines._declaration import Declaration, Fitted
from baselines._format import Format, find
from fdht import mega

if TYPE_CHECKING:
    from fdht.recurrent import Recurrent

FORMATS: dict[str, Format] = {
    **find("baselines"),
    "fully_decomposed": Format("fully_decomposed", mega.__name__, mega.fully_decomposed),
    **find("baselines.naive", naive=True),
}


def declare(format: str, **arguments: Any) -> Declaration | Fitted:
    """Return a model as plain data, which counts its weights without torch.

    format: a key of FORMATS. arguments: input_size, and for a recurrent layer hidden_size, cell ("lstm" | "gru"),
    init ("matched" | "authors"), code, gain, forget_bias, gate_activation ("sigmoid" | "hard_sigmoid"), and the
    parameters of the format. Raises ValueError for an unknown format or parameter, a missing one, or an impossible
    value.
    """
    if format not in FORMATS:
        raise ValueError(f"format is {format!r}; expected one of {', '.join(FORMATS)}")
    return FORMATS[format].declaration(arguments)


def build(format: str, *, device: Any = None, dtype: Any = None, **arguments: Any) -> "Recurrent":
    """Return the torch module of a declared recurrent layer: recurrent(x, initial_state=None, lengths=None).

    x (B, T, D), floating or uint8; see `fdht.recurrent.Recurrent`, with batch_first=True. Initial weights are drawn
    from torch's global generator. Raises ValueError as `declare`, and for a format without such a layer.
    """
    declared = declare(format, **arguments)
    if isinstance(declared, Fitted):
        raise ValueError(f"format {format!r} is fitted in one call; expected a recurrent layer")
    return declared.build(device, dtype)
