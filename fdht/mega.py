"""The declaration of FDHT: one hierarchical Tucker matrix for all weights of a recurrent layer. Torch-free."""

from collections.abc import Sequence
from typing import Any

from fdht.hierarchical import hierarchical_tucker
from fdht.network import Network
from fdht.placement import Placement, place, suggest_modes
from fdht.shapes import choice, factorise, modes, natural, naturals, number

GATES = {"lstm": 4, "gru": 3}
GATE_ACTIVATIONS = ("sigmoid", "hard_sigmoid")  # hard_sigmoid as in Keras 2, see `fdht.cells`


def checked(
    cell: str, gain: float, forget_bias: float | None, gate_activation: str, bias: bool = True
) -> tuple[float, float | None, str]:
    """Return gain, forget_bias and gate_activation of a recurrent layer; raise ValueError if one is impossible."""
    gain, gate_activation = number("gain", gain, above=0), choice("gate_activation", gate_activation, GATE_ACTIVATIONS)
    if forget_bias is None:
        return gain, None, gate_activation
    value = number("forget_bias", forget_bias)
    if cell != "lstm" or not bias:
        reason = "a GRU has no such gate" if bias else "without a bias there is nothing to set"
        given = f"cell {cell!r}" if bias else f"bias {bias!r}"
        raise ValueError(f"forget_bias is {forget_bias!r} with {given}; expected None: {reason}")
    return gain, value, gate_activation


def fully_decomposed(
    input_size: int,
    hidden_size: int,
    input_modes: Sequence[int] | None = None,
    output_modes: Sequence[int] | None = None,
    ranks: Any = None,
    tree: Any = "balanced",
    *,
    cell: str = "lstm",
    leaf_rank: int | None = None,
    inner_rank: int | None = None,
) -> tuple[Network, Placement]:
    """Return the mega map (G H, D + H) from z = [x ; h] to the pre-activations of all gates, and the layout of z.

    output_modes: factors of H; the first is multiplied by the number of gates. input_modes: see `fdht.placement`.
    Default modes: near-equal factors, as many as the other argument has, or four if neither is given.
    ranks, tree, leaf_rank, inner_rank: as in `hierarchical_tucker`. cell: "lstm" or "gru".
    """
    placement, outputs = layout(input_size, hidden_size, input_modes, output_modes, cell)
    network = hierarchical_tucker(
        placement.input_modes, outputs, ranks, tree, leaf_rank=leaf_rank, inner_rank=inner_rank
    )
    return network, placement


def layout(
    input_size: int,
    hidden_size: int,
    input_modes: Sequence[int] | None = None,
    output_modes: Sequence[int] | None = None,
    cell: str = "lstm",
) -> tuple[Placement, tuple[int, ...]]:
    """Return the layout of z, and the output modes with the gates; arguments as of `fully_decomposed`."""
    D, H = natural("input_size", input_size), natural("hidden_size", hidden_size)
    ins = None if input_modes is None else naturals("input_modes", input_modes)
    outs = None if output_modes is None else naturals("output_modes", output_modes)
    order = len(ins or outs or (0,) * 4)
    first, *rest = modes("output_modes", outs or factorise(H, order)[::-1], H, "hidden_size")
    gates = GATES[choice("cell", cell, tuple(GATES))]
    return place(D, H, ins or suggest_modes(D, H, order)), (gates * first, *rest)
