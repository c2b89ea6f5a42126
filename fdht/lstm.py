"""The fully decomposed hierarchical Tucker LSTM (Yin et al., CVPR 2021), and the GRU after its pattern."""

import math
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, NamedTuple, Self

from torch import Tensor, nn

from fdht.decompose import hierarchical_svd
from fdht.engine.mega_map import positions
from fdht.hierarchical import hierarchical_tucker
from fdht.mega import layout
from fdht.placement import Placement, suggest_modes
from fdht.stacked import Stacked, names


class _FullyDecomposed(Stacked):
    """What FDHTLSTM and FDHTGRU share; see there."""

    kind: ClassVar[str]

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        input_modes: Sequence[int] | None = None,
        output_modes: Sequence[int] | None = None,
        ranks: Any = None,
        tree: Any = "balanced",
        *,
        leaf_rank: int | None = None,
        inner_rank: int | None = None,
        num_layers: int = 1,
        bidirectional: bool = False,
        proj_size: int = 0,
        device: Any = None,
        **options: Any,
    ):
        if proj_size:
            raise ValueError(f"proj_size is {proj_size!r}; expected 0: h has no projection")
        layers, declared = names(num_layers, bidirectional), []
        places = _layouts(layers, input_size, hidden_size, input_modes, output_modes, self.kind)
        of_layer = _by_layer(ranks, layers)
        for name, (placement, outputs) in zip(layers, places, strict=True):
            shape = placement.input_modes, outputs, of_layer[name], tree
            try:
                network = hierarchical_tucker(*shape, leaf_rank=leaf_rank, inner_rank=inner_rank)
            except ValueError as error:
                raise ValueError(str(error) if name == "l0" else f"layer {name}: {error}") from None
            declared.append((network, placement))
        super().__init__(declared, hidden_size, cell=self.kind, bidirectional=bidirectional, device=device, **options)


class FDHTLSTM(_FullyDecomposed):
    """An LSTM whose weights, W and U of all four gates, are one hierarchical Tucker matrix per layer and direction.

    "Integrate, then decompose" (doi 10.1109/CVPR46437.2021.01191). With one map HT, (4H, D + H):
    a_t = HT([x_t ; h_{t-1}]) + b;
    i, f, g, o = σ(a_i), σ(a_f), tanh(a_g), σ(a_o);  c_t = f c_{t-1} + i g;  h_t = o tanh(c_t).

    input_size: D. hidden_size: H. input_modes: n1..nd, with room for D + H, and x in whole slices of the first mode if
    D allows (57,600 + 256: [9, 20, 20, 18], see `fdht.placement`). output_modes: m1..md with the product H; the gates
    are merged into m1. Both have defaults. ranks: an int, or a rank per node; or leaf_rank and inner_rank.
    tree: "balanced", "left", "right", or nested pairs such as [[1, 2], [3, [4, 5]]].
    num_layers, bidirectional, dropout, bias, batch_first, device, dtype: as in torch.nn.LSTM, with one bias per gate in
    place of two; there is no proj_size. input_modes are those of the first layer; by default, further layers have as
    many. All layers have the same output_modes and tree, and the same ranks unless these are a dict by layer, such as
    {"l0": 8, "l1": 4} (named as in `fdht.stacked`).
    options: gain, forget_bias, gate_activation, as for `fdht.recurrent.Recurrent`.
    Call, state and output are as in torch.nn.LSTM.

    >>> import torch
    >>> lstm = FDHTLSTM(57600, 256, [9, 10, 10, 9, 8], [4, 4, 2, 4, 2], ranks=8, batch_first=True)
    >>> outputs, (h_n, c_n) = lstm(torch.zeros(16, 6, 57600, dtype=torch.uint8))
    """

    kind = "lstm"

    @classmethod
    def from_lstm(
        cls,
        lstm: nn.LSTM,
        input_modes: Sequence[int] | None = None,
        output_modes: Sequence[int] | None = None,
        ranks: Any = None,
        tree: Any = "balanced",
        **truncation: Any,
    ) -> Self:
        """Compress a trained torch.nn.LSTM by the hierarchical SVD of each layer's [W U], as a start for fine-tuning.

        The arguments after `lstm` are those of the class; instead of ranks, accuracy may give the relative error that
        each [W U] may have. Unused positions of the mega maps are zero. Frozen parameters stay frozen, and the training
        mode is kept. Raises ValueError for an LSTM with a projection.
        """
        matrices = mega_matrices(lstm, input_modes, output_modes)
        of_layer, declared = _by_layer(ranks, list(matrices)), []
        state: dict[str, Tensor] = {}
        for name, (mega, placement, outputs) in matrices.items():
            network, cores = hierarchical_svd(mega, placement.input_modes, outputs, of_layer[name], tree, **truncation)
            declared.append((network, placement))
            prefix = "" if name == "l0" else f"{name}."
            state |= {f"{prefix}W.cores.{core}": value for core, value in cores.items()}
            if lstm.bias:
                state[f"{prefix}bias"] = getattr(lstm, f"bias_ih_{name}") + getattr(lstm, f"bias_hh_{name}")
        options: dict[str, Any] = {name: getattr(lstm, name) for name in ("dropout", "bidirectional", "bias")}
        options |= {"batch_first": lstm.batch_first, "device": mega.device, "dtype": mega.dtype}
        layer = cls.__new__(cls)
        Stacked.__init__(layer, declared, lstm.hidden_size, cell=cls.kind, **options)
        layer.load_state_dict(state)
        for name, part in zip(matrices, layer.layers, strict=True):
            for kind, own in (("weight", part.W), ("bias", part.bias)):
                if own is not None:
                    given = (getattr(lstm, f"{kind}_{side}_{name}") for side in ("ih", "hh"))
                    own.requires_grad_(any(parameter.requires_grad for parameter in given))
        return layer.train(lstm.training)


class FDHTGRU(_FullyDecomposed):
    """A GRU whose weights, W and U of all three gates, are one hierarchical Tucker matrix per layer and direction.

    With one map HT, (3H, D + H), whose parts for x and h are W and U: r, z = σ(W x_t + U h_{t-1} + b);
    n = tanh(W_n x_t + b_n + r (U_n h_{t-1}));  h_t = (1 - z) n + z h_{t-1}.

    Arguments are as in `FDHTLSTM`, without forget_bias. Call, state and output are as in torch.nn.GRU with a second
    bias of 0.
    """

    kind = "gru"


class Mega(NamedTuple):
    """A layer of a torch.nn.LSTM as one matrix (4H, ...), with zeros at unused positions."""

    matrix: Tensor
    placement: Placement
    output_modes: tuple[int, ...]


def mega_matrices(lstm: nn.LSTM, input_modes: Any = None, output_modes: Any = None) -> dict[str, Mega]:
    """Return the layers by name. Raises ValueError for an LSTM with a projection."""
    if not isinstance(lstm, nn.LSTM) or lstm.proj_size:
        raise ValueError(f"lstm is {lstm}; expected a torch.nn.LSTM without projection")
    layers, found = names(lstm.num_layers, lstm.bidirectional), {}
    places = _layouts(layers, lstm.input_size, lstm.hidden_size, input_modes, output_modes, "lstm")
    for name, (placement, outputs) in zip(layers, places, strict=True):
        W, U = (getattr(lstm, f"weight_{side}_{name}").detach() for side in ("ih", "hh"))
        mega = W.new_zeros(len(W), math.prod(placement.input_modes))
        mega[:, : W.shape[1]] = W
        mega[:, positions(placement, W.device)] = U
        found[name] = Mega(mega, placement, outputs)
    return found


def _by_layer(ranks: Any, layers: list[str]) -> dict[str, Any]:
    """The ranks of each layer."""
    found = dict(ranks) if isinstance(ranks, Mapping) else dict.fromkeys(layers, ranks)
    if set(found) != set(layers):
        raise ValueError(f"ranks has the layers {', '.join(map(str, found))}; expected {', '.join(layers)}")
    return found


def _layouts(
    layers: Sequence[str], input_size: int, hidden_size: int, input_modes: Any, output_modes: Any, cell: str
) -> list[tuple[Placement, tuple[int, ...]]]:
    """Return `fdht.mega.layout` of each layer."""
    first = layout(input_size, hidden_size, input_modes, output_modes, cell)
    size = hidden_size * (1 + ("l0_reverse" in layers))  # of the outputs, which the other layers see
    others = suggest_modes(size, hidden_size, len(first[1]))
    other = layout(size, hidden_size, others, output_modes, cell)
    return [first if name.startswith("l0") else other for name in layers]
