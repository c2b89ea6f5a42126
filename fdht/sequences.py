"""The call of torch.nn.LSTM and GRU: layouts of x, single and packed sequences, lengths and states."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence, pack_padded_sequence, pad_packed_sequence

from fdht import arguments
from fdht.dropout import Dropout
from fdht.engine.blocks import State
from fdht.maps import TensorMap


class SequenceLayer(nn.Module):
    """Prepares the arguments of a call for `_through`, which sees only x (B, T, D), and its results for the caller."""

    W: TensorMap
    cell: str
    input_size: int
    hidden_size: int
    batch_first: bool
    states = 1  # (h, c) of every layer and direction

    def forward(
        self,
        x: Tensor | PackedSequence | None = None,
        initial_state: tuple[Tensor, Tensor] | Tensor | None = None,
        lengths: Tensor | Sequence[int] | None = None,
        *,
        dropout_input: float = 0.0,
        dropout_product: float = 0.0,
        dropout_recurrent: float = 0.0,
        dropout_every_step: bool = False,
        input: Tensor | PackedSequence | None = None,
        hx: tuple[Tensor, Tensor] | Tensor | None = None,
        _dropout: Dropout | None = None,
    ):
        if _dropout is not None:  # a layer of `Stacked`, which has prepared the arguments
            return self._through(x, initial_state, lengths, _dropout)  # type: ignore[arg-type]
        x, initial_state = arguments.either(x=x, input=input), arguments.either(initial_state=initial_state, hx=hx)
        given = initial_state, Dropout(dropout_input, dropout_product, dropout_recurrent, dropout_every_step)
        if not isinstance(x, PackedSequence):
            return self._padded(x, lengths, self.batch_first, *given)
        if lengths is not None:
            raise ValueError("lengths and a PackedSequence are given; expected one of them")
        padded, lengths = pad_packed_sequence(x, batch_first=True)
        outputs, final = self._padded(padded, lengths, True, *given)  # in the caller's order, as initial_state
        if (order := x.sorted_indices) is not None:
            outputs, lengths = outputs[order], lengths[order.to(lengths.device)]
        packed = pack_padded_sequence(outputs, lengths, batch_first=True)
        return PackedSequence(packed.data, x.batch_sizes, x.sorted_indices, x.unsorted_indices), final

    def _padded(self, x: Tensor, lengths, batch_first: bool, state, dropout: Dropout):
        dtype = self.W.like.dtype
        single = arguments.single(x, self.input_size, dtype, batch_first)
        if single:
            x = x.unsqueeze(0 if batch_first else 1)
        if not batch_first:
            x = x.transpose(0, 1)
        (B, T, _), H, count = x.shape, self.hidden_size, self.states
        names = ("h", "c") if self.cell == "lstm" else ("h",)
        state = arguments.initial_state(state, names, (count, H) if single else (count, B, H), dtype)
        tracks = state and [part.view(count, B, H) for part in state]
        states = [tracks and [track[k] for track in tracks] for k in range(count)]
        steps = None if lengths is None else arguments.lengths(lengths, B, T, x.device)
        outputs, finals = self._through(x, states, steps, dropout)
        final = [torch.stack(parts) for parts in zip(*finals, strict=True)]  # copies: no views of all steps
        if not batch_first:
            outputs = outputs.transpose(0, 1)
        if single:
            outputs, final = outputs.squeeze(0 if batch_first else 1), [part.squeeze(1) for part in final]
        return outputs, tuple(final) if self.cell == "lstm" else final[0]

    def _through(
        self, x: Tensor, states: list[State], lengths: Tensor | None, dropout: Dropout
    ) -> tuple[Tensor, list[list[Tensor]]]:
        """x (B, T, D), for each layer and direction its state (B, H) -> outputs (B, T, ...), final states likewise."""
        raise NotImplementedError
