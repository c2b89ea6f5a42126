"""A recurrent layer over any tensor network: W for the input and a dense U, or one mega map for both."""

import math
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence, pack_padded_sequence, pad_packed_sequence

from fdht import arguments, cells
from fdht import lengths as lengths_
from fdht.engine import blocks, contract, through_time
from fdht.engine.blocks import State
from fdht.engine.recurrence import Recurrence
from fdht.engine.rows import Planned, apply_prepared, normalised, prepare
from fdht.engine.state_map import StateMap, positions, slices_of_x
from fdht.initialise import matched_std
from fdht.maps import TensorMap
from fdht.network import Network
from fdht.placement import Placement
from fdht.shapes import choice, natural, number


class Recurrent(nn.Module):
    """LSTM or GRU whose input-to-hidden weight, or whose whole weight, is a tensor network.

    network: W (G H, D), G = 4 (lstm) or 3 (gru) gates; with `placement`: the mega map (G H, D + H) of z = [x ; h].
    Without `placement`, U (G H, H) is dense. One bias (G H,); torch.nn.LSTM has two, whose sum acts.

    forward(x, initial_state=None, lengths=None, dropout_input=0, dropout_recurrent=0)
    x: (B, T, D) if batch_first, else (T, B, D); (T, D) for a single sequence; or a PackedSequence. In the dtype of
       the weights, or uint8 (raw pixels, see `normalise`).
    initial_state: (h, c), each (1, B, H), for an LSTM, h for a GRU; zeros if None.
    lengths: (B,) steps of each sequence in 1..T; later outputs are 0 and the final state is that of the last step.
    dropout_*: in training mode, one mask per sequence, the same at all steps, kept values divided by 1 - p.
    Returns (outputs, (h_n, c_n)) as torch.nn.LSTM does, or (outputs, h_n) for a GRU. First derivatives only; the
    transforms of torch.func are not supported, but for functional_call.
    """

    def __init__(
        self,
        network: Network,
        hidden_size: int,
        *,
        cell: str = "lstm",
        placement: Placement | None = None,
        batch_first: bool = False,
        gain: float = 1.0,
        forget_bias: float | None = None,
        device: Any = None,
        dtype: Any = None,
    ):
        super().__init__()
        self.cell = choice("cell", cell, tuple(cells.GATES))
        self.hidden_size = natural("hidden_size", hidden_size)
        self.input_size = network.input_size if placement is None else placement.input_size
        self.batch_first, self.placement = batch_first, placement
        self.gain = number("gain", gain, above=0)
        self.forget_bias = None if forget_bias is None else number("forget_bias", forget_bias)
        if forget_bias is not None and cell != "lstm":
            raise ValueError(
                f"forget_bias is {forget_bias!r} with cell {cell!r}; expected None: a GRU has no such gate"
            )
        rows = cells.GATES[cell] * hidden_size
        if network.output_size != rows:
            raise ValueError(
                f"network has {network.output_size} rows; expected {cells.GATES[cell]} * hidden_size = {rows}"
            )
        self.normalisation = (1.0, 0.0)
        self.W = TensorMap(network, device=device, dtype=dtype)
        self.U = None if placement else nn.Parameter(torch.empty(rows, hidden_size, device=device, dtype=dtype))
        self.bias = nn.Parameter(torch.empty(rows, device=device, dtype=dtype))
        if placement is not None:
            self._input_network = network.with_input_modes((placement.slices, *network.input_modes[1:]))
            self._state_map = StateMap(network, self._input_network, placement)
        else:
            self._input_network = network
        self._planned = Planned(self._input_network)
        self.reset_parameters()

    @property
    def positions(self) -> Tensor:
        """Of h among the columns of a mega map, (H,)."""
        return positions(self.placement, self.bias.device)

    @torch.no_grad()
    def reset_parameters(self) -> None:
        """Var(W) = gain²/D, Var(U) = gain²/H; bias 0.

        Also inside a mega map, whose slices of h are scaled, unless h shares its only slice with x, which needs input
        modes of the product D + H and no whole slices of x: there Var(U) is that of W.
        """
        D, H = self.input_size, self.hidden_size
        self.W.reset_parameters(matched_std(D, self.gain))
        if self.U is not None:
            self.U.normal_(0, matched_std(H, self.gain))
        else:
            core = self.W.network.cores[[("n1" in c.indices) for c in self.W.network.cores].index(True)]
            axis, slices = core.indices.index("n1"), self.placement.slices
            extra = core.shape[axis] - slices
            if extra:
                self.W.cores[core.name].narrow(axis, slices, extra).mul_(math.sqrt(D / H))
        self.bias.zero_()
        if self.forget_bias is not None:
            self.bias[H : 2 * H] = self.forget_bias

    def normalise(self, scale: float, shift: float) -> "Recurrent":
        """Let the map act on x * scale + shift while x is given raw, e.g. uint8 pixels; returns self."""
        self.normalisation = (number("scale", scale), number("shift", shift))
        return self

    def weight_parameters(self) -> dict[str, int]:
        """Numbers stored, by published convention: W, U (0 where W holds both) and the bias apart."""
        U = 0 if self.U is None else self.U.numel()
        return {"W": self.W.weight_parameters, "U": U, "bias": self.bias.numel()}

    def dense_weights(self) -> tuple[Tensor, Tensor]:
        """The reconstructed W (G H, D) and U (G H, H)."""
        if self.placement is None:
            return self.W.dense(), self.U
        W = self.W.dense()
        return W[:, : self.input_size], W[:, self.positions]

    def forward(
        self,
        x: Tensor | PackedSequence,
        initial_state: tuple[Tensor, Tensor] | Tensor | None = None,
        lengths: Tensor | Sequence[int] | None = None,
        *,
        dropout_input: float = 0.0,
        dropout_recurrent: float = 0.0,
    ):
        given = initial_state, dropout_input, dropout_recurrent
        if not isinstance(x, PackedSequence):
            return self._padded(x, lengths, self.batch_first, *given)
        if lengths is not None:
            raise ValueError("lengths is given beside a PackedSequence; expected one of them")
        padded, lengths = pad_packed_sequence(x, batch_first=True)
        outputs, final = self._padded(padded, lengths, True, *given)  # in the caller's order, as initial_state
        if (order := x.sorted_indices) is not None:
            outputs, lengths = outputs[order], lengths[order.to(lengths.device)]
        packed = pack_padded_sequence(outputs, lengths, batch_first=True)
        return PackedSequence(packed.data, x.batch_sizes, x.sorted_indices, x.unsorted_indices), final

    def _padded(self, x: Tensor, lengths, batch_first: bool, state, dropout_input: float, dropout_recurrent: float):
        single = arguments.single(x, self.input_size, self.bias.dtype, batch_first)
        if single:
            x = x.unsqueeze(0 if batch_first else 1)
        if not batch_first:
            x = x.transpose(0, 1)
        B, T, _ = x.shape
        names = ("h", "c") if self.cell == "lstm" else ("h",)
        state = arguments.initial_state(state, names, (B, self.hidden_size), single, self.bias)
        steps = None if lengths is None else arguments.lengths(lengths, B, T, x.device)
        outputs, final = self._run(x, state, steps, *self._masks(B, dropout_input, dropout_recurrent))
        if not batch_first:
            outputs = outputs.transpose(0, 1)
        if single:
            outputs = outputs.squeeze(0 if batch_first else 1)
        else:
            final = [part.unsqueeze(0) for part in final]
        final = [part.clone(memory_format=torch.contiguous_format) for part in final]  # no views of all steps
        return outputs, tuple(final) if self.cell == "lstm" else final[0]

    def _run(self, x: Tensor, state: State, lengths: Tensor | None, mask_x, mask_h):
        """x (B, T, D), state (B, H) each -> outputs (B, T, H), final state (B, H) each."""
        size = blocks.steps(x, *self._planned.held(x.shape[0] * x.shape[1], x, mask_x))
        act_on_x, recur = self._maps(x[:, :size], mask_x)

        def step(x: Tensor, state: State) -> list[Tensor]:
            return self._tracks(x, act_on_x, recur, state, mask_h)

        return lengths_.cut(blocks.run(step, x, state, size, lengths is not None), lengths)

    def _tracks(self, x: Tensor, act_on_x, recur: Recurrence, state: State, mask: Tensor | None) -> list[Tensor]:
        """The states of all steps, (B, T, H) each."""
        if self.cell == "gru" or torch.compiler.is_compiling():
            zero = [] if state else [self.bias.new_zeros(x.shape[0], self.hidden_size)]
            if self.cell == "gru":
                return [cells.gru(act_on_x(x), recur, *(state or zero), mask)]
            return list(cells.lstm(act_on_x(x), recur, *(state or 2 * zero), mask))
        # under autocast the products come in half precision; the recurrence keeps that of the weights
        dtype = self.bias.dtype
        recur = Recurrence(tuple(tensor.to(dtype) for tensor in recur.tensors), recur.q_first)
        # as a single expression: the rows are let go as soon as they are in columns
        gates = act_on_x(x).to(dtype).permute(1, 2, 0).contiguous()
        return list(through_time.lstm(gates, recur, *(state or [None, None]), mask))

    def _maps(self, x: Tensor, mask: Tensor | None) -> tuple[Callable[[Tensor], Tensor], Recurrence]:
        """What makes the input part of (B, t, D), (B, t, G H), and what acts on h; planned for steps such as x."""
        B, T, D = x.shape
        padding = 0 if self.placement is None else self.placement.padded - D
        if padding and mask is not None:
            mask = nn.functional.pad(mask, (0, padding))
        plan, cores, network = self._planned.plan(B * T, x, mask), self.W.tensors(), self._input_network
        if self.placement is None:
            prepared, recur = prepare(plan, network, cores), Recurrence((self.U,))
        elif plan.label in self._state_map.shared:
            # the parts of the mega map serve both: x has the first slices of n1, h a box in the others
            shared = self._state_map.shared[plan.label]
            parts = contract.parts(shared, cores)
            prepared, recur = slices_of_x(plan, parts), self._state_map.from_parts(shared, parts, B, T)
        else:
            prepared = prepare(plan, network, self._cut_to_inputs(cores))
            recur = self._state_map.from_cores(cores, self.positions)

        def act_on_x(x: Tensor) -> Tensor:
            rows, normalisation = x.reshape(-1, D), self.normalisation
            if padding:
                if normalisation[1]:  # what is padded is zero afterwards
                    rows, normalisation = normalised(rows, self.bias.dtype, normalisation), (1.0, 0.0)
                rows = nn.functional.pad(rows, (0, padding))
            given = (rows, self.bias, normalisation, mask, x.shape[1])
            return apply_prepared(plan, network, prepared, *given, columns=self.cell == "lstm")

        return act_on_x, recur

    def _cut_to_inputs(self, cores: dict[str, Tensor]) -> dict[str, Tensor]:
        """The cores with n1 cut to the slices that hold x."""
        cut = dict(cores)
        for core in self.W.network.cores:
            if "n1" in core.indices:
                cut[core.name] = cores[core.name].narrow(core.indices.index("n1"), 0, self.placement.slices)
        return cut

    def _masks(self, B: int, dropout_input: float, dropout_recurrent: float) -> list[Tensor | None]:
        masks = []
        sizes = {"dropout_input": self.input_size, "dropout_recurrent": self.hidden_size}
        for (name, size), p in zip(sizes.items(), (dropout_input, dropout_recurrent), strict=True):
            keep = 1 - arguments.dropout(name, p)
            drops = self.training and keep < 1
            masks.append(self.bias.new_empty(B, size).bernoulli_(keep).div_(keep) if drops else None)
        return masks
