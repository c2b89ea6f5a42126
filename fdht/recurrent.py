"""A recurrent layer over tensor networks: W for the input and U for the state, or one mega map for both."""

import math
from dataclasses import replace
from typing import Any, Self

import torch
from torch import Tensor, nn

from fdht import cells
from fdht.dropout import Dropout, Masks
from fdht.engine import blocks, through_time
from fdht.engine.apply import IDENTITY, Prepared, apply, normalised, prepare
from fdht.engine.blocks import State
from fdht.engine.kernels import enabled
from fdht.engine.mega_map import MegaMap, positions
from fdht.engine.recurrence import Recurrence, StateMap
from fdht.maps import TensorMap
from fdht.mega import GATES, checked
from fdht.network import Network
from fdht.placement import Placement
from fdht.sequences import SequenceLayer
from fdht.shapes import choice, natural, number


class Recurrent(SequenceLayer):
    """LSTM or GRU with tensor networks as weights: for W alone, one each for W and U, or one for both.

    network: W (G H, D), G = 4 (lstm) or 3 (gru) gates; with `placement`, the mega map (G H, D + H) of z = [x ; h].
    state_network: U (G H, H); None: dense. bias: one (G H,), the sum of the two of torch.nn.LSTM, or none.

    gate_activation: "sigmoid", or "hard_sigmoid" as in Keras 2, which is slower: autograd goes through every step.

    forward(x, initial_state=None, lengths=None, dropout_input=0, dropout_product=0, dropout_recurrent=0)
    x: (B, T, D) if batch_first, else (T, B, D); (T, D) for a single sequence; or a PackedSequence. In the dtype of
       the weights, or uint8 (raw pixels, see `normalise`).
    initial_state: (h, c), each (1, B, H), for an LSTM, h for a GRU; zeros if None.
    input, hx: x and initial_state, by their names in torch.nn.
    lengths: (B,) steps of each sequence, in 1..T. Later outputs are 0; the final state is that of the last step.
    dropout_*: on x, W x and h, in training mode; kept values are divided by 1 - p. One mask per sequence serves all
       steps; with dropout_every_step=True there is a new one at every step, except on x.
    Returns (outputs, (h_n, c_n)) as torch.nn.LSTM does, or (outputs, h_n) for a GRU. An LSTM has first derivatives
    only. Of torch.func only functional_call is supported.
    """

    def __init__(
        self,
        network: Network,
        hidden_size: int,
        *,
        cell: str = "lstm",
        placement: Placement | None = None,
        state_network: Network | None = None,
        bias: bool = True,
        batch_first: bool = False,
        gain: float = 1.0,
        forget_bias: float | None = None,
        gate_activation: str = "sigmoid",
        device: Any = None,
        dtype: Any = None,
    ):
        super().__init__()
        self.cell = choice("cell", cell, tuple(GATES))
        self.hidden_size = natural("hidden_size", hidden_size)
        self.input_size = network.input_size if placement is None else placement.input_size
        self.batch_first, self.placement = batch_first, placement
        self.gain, self.forget_bias, self.gate_activation = checked(cell, gain, forget_bias, gate_activation, bias)
        rows = GATES[cell] * hidden_size
        if network.output_size != rows:
            raise ValueError(f"network has {network.output_size} rows; expected {GATES[cell]} * hidden_size = {rows}")
        self.normalisation = (1.0, 0.0)
        self.W = TensorMap(network, device=device, dtype=dtype)
        self.U: nn.Parameter | TensorMap | None = None
        if state_network is not None:
            shape = state_network.output_size, state_network.input_size
            if placement is not None or shape != (rows, hidden_size):
                given = "and a placement are given" if placement else f"has the shape {shape}"
                raise ValueError(f"state_network {given}; expected ({rows}, {hidden_size}) and no placement")
            self.U = TensorMap(state_network, device=device, dtype=dtype)
        elif placement is None:
            self.U = nn.Parameter(torch.empty(rows, hidden_size, device=device, dtype=dtype))
        self.bias = nn.Parameter(torch.empty(rows, device=device, dtype=dtype)) if bias else None
        self._state_map = None if state_network is None else StateMap(state_network)
        self._mega_map = None if placement is None else MegaMap(network, placement)
        self._planner = self.W._planner if self._mega_map is None else self._mega_map.planner
        self.reset_parameters()

    @property
    def positions(self) -> Tensor:
        """The columns of a mega map that act on h, (H,). Raises AttributeError for a layer with a U of its own."""
        if self.placement is None:
            raise AttributeError("this layer has a U of its own; only a mega map has positions of h")
        return positions(self.placement, self.W.like.device)

    @torch.no_grad()
    def reset_parameters(self) -> None:
        """Var(W) = gain²/D, Var(U) = gain²/H; bias 0.

        This holds for a mega map, too: its slices of h are scaled. Only if h shares a slice with x is Var(U) that of W.
        """
        D, H = self.input_size, self.hidden_size
        self.W.reset_parameters(self.gain / math.sqrt(D))
        if isinstance(self.U, TensorMap):
            self.U.reset_parameters(self.gain / math.sqrt(H))
        elif self.U is not None:
            self.U.normal_(0, self.gain / math.sqrt(H))
        elif self.placement is not None:
            core = next(core for core in self.W.network.cores if "n1" in core.indices)
            axis, slices = core.indices.index("n1"), self.placement.slices
            if extra := core.shape[axis] - slices:
                self.W.cores[core.name].narrow(axis, slices, extra).mul_(math.sqrt(D / H))
        if self.bias is not None:
            self.bias.zero_()
            if self.forget_bias is not None:
                self.bias[H : 2 * H] = self.forget_bias

    def normalise(self, scale: float, shift: float) -> Self:
        """Act on x * scale + shift in place of x, which may be raw uint8 pixels. Returns self."""
        self.normalisation = (number("scale", scale), number("shift", shift))
        return self

    def weight_parameters(self) -> dict[str, int]:
        """Numbers stored in W, U (0 if W is a mega map) and the bias, separately as in the literature."""
        U = 0 if self.U is None else self.U.weight_parameters if isinstance(self.U, TensorMap) else self.U.numel()
        return {"W": self.W.weight_parameters, "U": U, "bias": 0 if self.bias is None else self.bias.numel()}

    def extra_repr(self) -> str:
        """Sizes and, as in torch.nn.LSTM, options that differ from their defaults; the maps show ranks."""
        defaults: dict[str, Any] = {"num_layers": 1, "batch_first": False, "dropout": 0.0, "bidirectional": False}
        defaults |= {"gate_activation": "sigmoid", "normalisation": IDENTITY}
        given = {name: getattr(self, name, default) for name, default in defaults.items()}
        shown = [f"{name}={value}" for name, value in given.items() if value != defaults[name]]
        return ", ".join([f"{self.input_size}, {self.hidden_size}", *shown, *["bias=False"] * (self.bias is None)])

    def dense_weights(self) -> tuple[Tensor, Tensor]:
        """The reconstructed W (G H, D) and U (G H, H)."""
        W = self.W.dense()
        if self.U is not None:
            return W, self.U.dense() if isinstance(self.U, TensorMap) else self.U
        return W[:, : self.input_size], W[:, self.positions]

    def _through(self, x: Tensor, states: list[State], lengths: Tensor | None, dropout: Dropout):
        outputs, final = self._run(x, states[0], lengths, dropout)
        return outputs, [final]

    def _run(self, x: Tensor, state: State, lengths: Tensor | None, dropout: Dropout) -> tuple[Tensor, list[Tensor]]:
        """x (B, T, D), state (B, H) each -> outputs (B, T, H), final state (B, H) each."""
        (B, T, D), like, rows = x.shape, self.W.like, self.W.network.output_size
        masks = dropout.masks(like, rows, B, T, D, self.hidden_size, self.training)
        cores, size = self.W.tensors(), self._block_steps(x, masks)
        plan = self._planner.plan(B * size, x, masks.x)
        if self._mega_map is not None:
            prepared, recurrence = self._mega_map.prepare(plan, cores, self.bias, B, size)
        else:
            prepared, recurrence = prepare(plan, self.W.network, cores, self.bias), self._recurrence(B, size)

        def step(x: Tensor, state: State) -> list[Tensor]:
            return self._states(x, prepared, recurrence, state, masks)

        return blocks.last_steps(blocks.run(step, x, state, size, lengths is not None), lengths)

    def _recurrence(self, sequences: int, steps: int) -> Recurrence:
        """A U of its own, for so many sequences and steps."""
        if isinstance(self.U, TensorMap):
            assert self._state_map is not None
            return self._state_map.prepare(self.U.tensors(), sequences, steps)
        assert self.U is not None  # as there is no mega map
        return Recurrence((self.U,))

    def _block_steps(self, x: Tensor, masks: Masks) -> int:
        """The steps that are computed at once: all of them, or fewer if no gradients are needed."""
        B, T, D = x.shape
        if torch.is_grad_enabled() or torch.compiler.is_compiling() or masks.product is not None or masks.h is not None:
            return T
        plan, peak = self._planner.plan(B * T, x, masks.x), self._planner.peak(B * T, x, masks.x)
        if peak < D:
            return T
        rebuilt = 0 if plan.split or plan.path else self.W.network.output_size * D  # a larger block does not matter
        most = max(blocks.ELEMENTS["cpu" if x.device.type == "cpu" else "cuda"], rebuilt // 8)
        return min(T, max(1, most // (B * peak)))

    def _states(
        self, x: Tensor, prepared: Prepared, recurrence: Recurrence, state: State, masks: Masks
    ) -> list[Tensor]:
        """The states of all steps of x (B, T, D): h, and c of an LSTM, (B, T, H) each."""
        (B, T, D), normalisation, mask_x = x.shape, self.normalisation, masks.x
        rows = x.reshape(-1, D)  # (B T, D)
        if padding := prepared.network.input_size - D:  # the columns that fill up the last slice of x stay zero
            rows = nn.functional.pad(normalised(rows, self.W.like.dtype, normalisation), (0, padding))
            mask_x = mask_x if mask_x is None else nn.functional.pad(mask_x, (0, padding))
            normalisation = IDENTITY
        if masks.product is not None:
            prepared = replace(prepared, bias=None)  # the bias is not dropped
        every_step = masks.h is not None and masks.h.dim() == 3
        by_hand = self.gate_activation == "sigmoid" and masks.product is None and not every_step
        if by_hand and self.cell == "lstm" and not torch.compiler.is_compiling() and enabled("through_time"):
            # under autocast the products come in half precision; the recurrence keeps that of the weights
            dtype = self.W.like.dtype
            recurrence = Recurrence(tuple(tensor.to(dtype) for tensor in recurrence.tensors))
            # as a single expression: the rows are released as soon as they are in columns
            gates = apply(prepared, rows, normalisation, mask_x, T).to(dtype).permute(1, 2, 0).contiguous()
            h, c = state or (None, None)
            return list(through_time.lstm(gates, recurrence, h, c, masks.h))
        pre = apply(prepared, rows, normalisation, mask_x, T)  # (B, T, G H)
        if masks.product is not None:
            pre = pre * masks.product
            pre = pre if self.bias is None else pre + self.bias
        initial = state or [self.W.like.new_zeros(B, self.hidden_size)] * 2
        if self.cell == "gru":
            return [cells.gru(pre, recurrence, initial[0], masks.h, self.gate_activation)]
        return list(cells.lstm(pre, recurrence, initial[0], initial[1], masks.h, self.gate_activation))
