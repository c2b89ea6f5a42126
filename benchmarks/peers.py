"""Other implementations of the same models, called as their authors call them: once per time step.

tednet 0.1.3 (TT, TR and BT LSTMs, dense U), tensorly-torch 0.5 (BlockTT) and torch.nn.LSTM as installed.
Three schemes without a package are written here from their description, operation for operation: TT_RNN's (Yang et
al., 2017), that of onucharles/tensorized-rnn (with W and U in the format: the only fully decomposed peer) and that of
BT-LSTM's authors (Ye et al., 2018). `Sweep` is a variant of TT_RNN's that reorders less; none of them uses it.
"""

import contextlib
import io
import math
import warnings
from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn


class StepLoop(nn.Module):
    """An LSTM as a loop over time: gates = W(x_t) + U(h_{t-1}) + b, everything called once per step."""

    def __init__(self, W: Callable[[Tensor], Tensor], U: Callable[[Tensor], Tensor], hidden_size: int):
        super().__init__()
        self.W, self.U, self.hidden_size = W, U, hidden_size
        self.bias = nn.Parameter(torch.zeros(4 * hidden_size))

    def forward(self, x: Tensor) -> Tensor:
        """x (B, T, D) -> the last output (B, H)."""
        h = c = x.new_zeros(x.shape[0], self.hidden_size)
        for t in range(x.shape[1]):
            i, f, g, o = (self.W(x[:, t]) + self.U(h) + self.bias).chunk(4, 1)
            c = f.sigmoid() * c + i.sigmoid() * g.tanh()
            h = o.sigmoid() * c.tanh()
        return h


class Sweep(nn.Module):
    """x (B, N) times a tensor train, one core after the other from the last on, each output mode moved to the front.

    Core k has the axes `order` in memory: its modes n and m, the rank r to the core before it, s to the core after it.
    One GEMM per core; rows of r numbers are moved.
    """

    order = "nsmr"

    def __init__(self, n: Sequence[int], m: Sequence[int], rank: int):
        super().__init__()
        d = len(n)
        self.output_size, ranks = math.prod(m), [1, *[rank] * (d - 1), 1]
        std = (1 / math.prod(n) / rank ** (d - 1)) ** (1 / (2 * d))
        sizes = [{"n": n[k], "m": m[k], "r": ranks[k], "s": ranks[k + 1]} for k in range(d)]
        self.cores = nn.ParameterList(torch.randn([size[axis] for axis in self.order]) * std for size in sizes)

    def forward(self, x: Tensor) -> Tensor:
        state = x
        for core in reversed(list(self.cores)):
            state = self.step(core, state)
        return state.reshape(self.output_size, -1).mT

    def step(self, core: Tensor, state: Tensor) -> Tensor:
        n, s, m, r = core.shape
        return (state.reshape(-1, n * s) @ core.view(n * s, m * r)).view(-1, m, r).transpose(0, 1)


class TransposingSweep(Sweep):
    """TT_RNN's sweep: after each core the whole state is transposed."""

    order = "nsrm"

    def step(self, core: Tensor, state: Tensor) -> Tensor:
        n, s, r, m = core.shape
        return (state.reshape(-1, n * s) @ core.view(n * s, r * m)).view(-1, m).mT


class EinsumSweep(Sweep):
    """tensorized-rnn's sweep, that of its library t3nsor: one einsum per core."""

    order = "rmns"

    def step(self, core: Tensor, state: Tensor) -> Tensor:
        return torch.einsum("rmns,bns->mbr", core, state.reshape(-1, *core.shape[2:]))


class BlockTerm(nn.Module):
    """x (B, N) times block terms as BT-LSTM's authors do it, block after block, with 3 or 4 modes.

    The first two factors and the core are merged and multiplied first, along the rows of x as (B, n1 n2, rest); the
    other factors, merged, afterwards.
    """

    def __init__(self, n: Sequence[int], m: Sequence[int], rank: int, blocks: int):
        super().__init__()
        d = len(n)
        self.n, self.m, self.rank = n, m, rank
        std = (1 / math.prod(n) / blocks / rank**d) ** (1 / (2 * (d + 1)))
        factors = [[torch.randn(n[k], m[k], rank) * std for k in range(d)] for _ in range(blocks)]
        self.factors = nn.ModuleList(nn.ParameterList(block) for block in factors)
        self.cores = nn.ParameterList(torch.randn([rank] * d) * std for _ in range(blocks))

    def forward(self, x: Tensor) -> Tensor:
        n_left, m_left = math.prod(self.n[:2]), math.prod(self.m[:2])
        n_right, m_right, s = math.prod(self.n[2:]), math.prod(self.m[2:]), self.rank ** (len(self.n) - 2)
        y = 0
        for factors, core in zip(self.factors, self.cores, strict=True):
            left = torch.einsum("amr,bns->abmnrs", *factors[:2]).reshape(-1, self.rank**2) @ core.reshape(-1, s)
            state = x.reshape(-1, n_left, n_right).mT.reshape(-1, n_left) @ left.view(n_left, m_left * s)
            right = factors[2].mT if len(factors) == 3 else torch.einsum("amr,bns->abrsmn", *factors[2:])
            state = state.view(-1, n_right, m_left, s).permute(0, 2, 1, 3).reshape(-1, n_right * s)
            y = y + (state @ right.reshape(n_right * s, m_right)).view(-1, m_left * m_right)
        return y


class Tednet(nn.Module):
    """A tednet LSTM with its dropout off, batch first."""

    def __init__(self, kind: str, n: Sequence[int], m: Sequence[int], *ranks):
        super().__init__()
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            from tednet.tnn import bt_tucker, tensor_ring, tensor_train

            layer = {"tt": tensor_train.TTLSTM, "tr": tensor_ring.TRLSTM, "bt": bt_tucker.BTTLSTM}[kind]
            self.lstm = layer(list(n), list(m), *ranks, drop_ih=0.0, drop_hh=0.0)
        self.hidden_size = math.prod(m)

    def forward(self, x: Tensor) -> Tensor:
        from tednet.tnn.tn_rnn import LSTMState

        zero = x.new_zeros(x.shape[0], self.hidden_size)
        return self.lstm(x.transpose(0, 1).contiguous(), LSTMState(zero, zero))[0][-1]


class Last(nn.Module):
    """The last output of a layer that is called as torch.nn.LSTM is, batch first."""

    def __init__(self, layer: nn.Module):
        super().__init__()
        self.layer = layer

    def forward(self, x: Tensor) -> Tensor:
        return self.layer(x)[0][:, -1]


def tensorly_torch(n: Sequence[int], m: Sequence[int], rank: int) -> nn.Module:
    """tensorly-torch's BlockTT layer, without a bias, started at a sane scale."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import tltorch

        ranks = (1, *[rank] * (len(n) - 1), 1)
        layer = tltorch.FactorizedLinear(tuple(n), tuple(m), bias=False, rank=ranks, factorization="blocktt")
    std = (1 / math.prod(n) / rank ** (len(n) - 1)) ** (1 / (2 * len(n)))
    for parameter in layer.parameters():
        nn.init.normal_(parameter, 0, std)
    return layer
