"""The fully decomposed hierarchical Tucker LSTM (Yin et al., CVPR 2021)."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import nn

from fdht.decompose import hierarchical_svd
from fdht.mega import fully_decomposed
from fdht.recurrent import Recurrent


class FDHTLSTM(Recurrent):
    """An LSTM whose weights, W and U of all four gates, are one hierarchical Tucker matrix.

    "Integrate, then decompose" (doi 10.1109/CVPR46437.2021.01191). With one map HT, (4H, D + H):
    a_t = HT([x_t ; h_{t-1}]) + b;
    i, f, g, o = σ(a_i), σ(a_f), tanh(a_g), σ(a_o);  c_t = f c_{t-1} + i g;  h_t = o tanh(c_t).

    input_size D, hidden_size H. input_modes n1..nd have room for D + H, with x in whole slices of the first mode if D
    allows (57,600 + 256: [9, 20, 20, 18], see `fdht.placement`); output_modes m1..md have the product H, and the
    gates are merged into m1. Both have defaults. ranks: an int, or a rank per node; or leaf_rank and
    inner_rank. tree: "balanced", "left", "right", or nested pairs such as [[1, 2], [3, [4, 5]]].
    options: batch_first, gain, forget_bias, dtype, as for `fdht.recurrent.Recurrent`.
    Call, state and output as torch.nn.LSTM with one layer, one direction.

    >>> lstm = FDHTLSTM(57600, 256, [9, 10, 10, 9, 8], [4, 4, 2, 4, 2], ranks=8, batch_first=True)
    >>> outputs, (h_n, c_n) = lstm(torch.zeros(16, 6, 57600, dtype=torch.uint8))
    """

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
        device: Any = None,
        **options: Any,
    ):
        modes = input_modes, output_modes
        network, placement = fully_decomposed(
            input_size, hidden_size, *modes, ranks, tree, leaf_rank=leaf_rank, inner_rank=inner_rank
        )
        super().__init__(network, hidden_size, placement=placement, device=device, **options)

    @classmethod
    def from_lstm(
        cls,
        lstm: nn.LSTM,
        input_modes: Sequence[int] | None = None,
        output_modes: Sequence[int] | None = None,
        ranks: Any = None,
        tree: Any = "balanced",
        **node_ranks: Any,
    ) -> "FDHTLSTM":
        """Compress a trained torch.nn.LSTM by the hierarchical SVD of [W U], as a start for fine-tuning.

        Arguments after `lstm` as those of the class. Unused positions of the mega map are zero. Raises ValueError
        unless the LSTM has one layer, one direction and no projection.
        """
        if not isinstance(lstm, nn.LSTM) or lstm.num_layers != 1 or lstm.bidirectional or lstm.proj_size:
            raise ValueError(f"lstm is {lstm}; expected one layer, one direction, no projection")
        weights = lstm.state_dict()
        W = weights["weight_ih_l0"]
        options: dict[str, Any] = {"batch_first": lstm.batch_first, "device": W.device, "dtype": W.dtype} | node_ranks
        layer = cls(lstm.input_size, lstm.hidden_size, input_modes, output_modes, ranks, tree, **options)
        network = layer.W.network
        with torch.no_grad():
            mega = W.new_zeros(network.output_size, network.input_size)
            mega[:, : lstm.input_size] = W
            mega[:, layer.positions] = weights["weight_hh_l0"]
            _, cores = hierarchical_svd(mega, network.input_modes, network.output_modes, ranks, tree, **node_ranks)
            for name, core in cores.items():
                layer.W.cores[name].copy_(core)
            if lstm.bias:
                layer.bias.copy_(weights["bias_ih_l0"] + weights["bias_hh_l0"])
        return layer
