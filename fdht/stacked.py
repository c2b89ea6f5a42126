"""Recurrent layers on top of each other, forwards or in both directions, as torch.nn.LSTM and GRU stack them."""

import warnings
from collections.abc import Sequence
from typing import Any, Self

import torch
from torch import Tensor, nn

from fdht.dropout import Dropout
from fdht.engine.blocks import State
from fdht.network import Network
from fdht.placement import Placement
from fdht.recurrent import Recurrent
from fdht.shapes import natural, number


def names(num_layers: int, bidirectional: bool) -> list[str]:
    """The layers as torch.nn.LSTM names them, in the order of its states: l0, l0_reverse, l1, ..."""
    directions = ("", "_reverse") if bidirectional else ("",)
    return [f"l{k}{direction}" for k in range(natural("num_layers", num_layers)) for direction in directions]


class Stacked(Recurrent):
    """Layers of mega maps, each acting on the outputs of the one before, with dropout between them.

    The module is its own first layer, so that a single layer has the state dict of a `Recurrent`; the others are its
    modules l0_reverse, l1, l1_reverse, ... declared: the network and the placement of each, in this order.
    bidirectional: a second layer at each level goes through the sequence from its last step to its first; outputs
    (..., 2H) are those of both. options: as for `Recurrent`, for all layers.
    """

    num_layers, bidirectional = 1, False  # until the other layers are there

    def __init__(
        self,
        declared: Sequence[tuple[Network, Placement]],
        hidden_size: int,
        *,
        dropout: float = 0.0,
        bidirectional: bool = False,
        **options: Any,
    ):
        (network, placement), *others = declared
        super().__init__(network, hidden_size, placement=placement, **options)
        self.states, self.bidirectional = len(declared), bool(bidirectional)
        self.num_layers = self.states // (1 + self.bidirectional)
        self.dropout = number("dropout", dropout)
        if not 0 <= self.dropout <= 1:
            raise ValueError(f"dropout is {dropout!r}; expected a probability in 0 <= p <= 1")
        if self.dropout and self.num_layers == 1:
            warnings.warn(f"dropout is {dropout!r} with num_layers 1: it acts between layers only", stacklevel=3)
        for name, (network, placement) in zip(names(self.num_layers, bidirectional)[1:], others, strict=True):
            self.add_module(name, Recurrent(network, hidden_size, placement=placement, **options))

    @property
    def layers(self) -> list[Recurrent]:
        """All layers in the order of the states, beginning with this module."""
        return [self, *(getattr(self, name) for name in names(self.num_layers, self.bidirectional)[1:])]

    def reset_parameters(self) -> None:
        """Draw the weights of each layer as a `Recurrent` does."""
        super().reset_parameters()
        for layer in self.layers[1:]:
            layer.reset_parameters()

    def normalise(self, scale: float, shift: float) -> Self:
        """Act on x * scale + shift in place of x, which may be raw uint8 pixels. Returns self."""
        for layer in self.layers[1 : 1 + self.bidirectional]:
            layer.normalise(scale, shift)
        return super().normalise(scale, shift)

    def weight_parameters(self) -> dict[str, int]:
        """Numbers stored in the mega maps ("W") and the biases of all layers; "U" is 0."""
        others = dict.fromkeys(self.layers[1:])  # tied layers once
        counts = [super().weight_parameters(), *(layer.weight_parameters() for layer in others)]
        return {name: sum(count[name] for count in counts) for name in counts[0]}

    def flatten_parameters(self) -> None:
        """Do nothing: models that were written for torch.nn.LSTM may call it."""

    def _through(self, x: Tensor, states: list[State], lengths: Tensor | None, dropout: Dropout):
        layers, finals = self.layers, []

        def run(k: int, x: Tensor) -> Tensor:
            given = x, [states[k]], lengths
            # the others are called as modules, so that their hooks and wrappers act
            outputs, final = layers[k](*given, _dropout=dropout) if k else Recurrent._through(self, *given, dropout)
            finals.extend(final)
            return outputs

        for k in range(0, len(layers), 1 + self.bidirectional):
            if k and self.dropout:
                x = nn.functional.dropout(x, self.dropout, self.training)
            outputs = run(k, x)
            if self.bidirectional:
                outputs = torch.cat([outputs, turned(run(k + 1, turned(x, lengths)), lengths)], 2)
            x = outputs
        return x, finals


def turned(x: Tensor, lengths: Tensor | None) -> Tensor:
    """x (B, T, D) with the steps of each sequence in reverse order; steps after its end stay where they are."""
    if lengths is None:
        return x.flip(1)
    steps = torch.arange(x.shape[1], device=x.device)
    last = lengths[:, None] - 1
    steps = torch.where(steps <= last, last - steps, steps)
    return x[torch.arange(x.shape[0], device=x.device)[:, None], steps]
