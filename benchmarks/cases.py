"""What is measured: two layer sizes, our models and their peers at the same shapes and ranks."""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn

import baselines
from benchmarks import peers
from benchmarks.peers import BlockTerm, EinsumSweep, StepLoop, Sweep, Tednet, Torch, TransposingSweep


@dataclass(frozen=True)
class Case:
    """A layer D -> H; `models` maps (implementation, model) to what builds it."""

    name: str
    input_size: int
    hidden_size: int
    raw: bool  # ours gets uint8 pixels, peers their float copy made beforehand
    models: dict[tuple[str, str], Callable[[], nn.Module]]
    declared: dict[str, dict]


class Ours(nn.Module):
    """A model of this project, the last output."""

    def __init__(self, raw: bool, **arguments):
        super().__init__()
        self.recurrent = baselines.build(**arguments)
        if raw:
            self.recurrent.normalise(1 / 255, 0.0)

    def forward(self, x: Tensor) -> Tensor:
        return self.recurrent(x)[0][:, -1]


def _sweeps(n: list[int], m: list[int], gated: list[int], H: int) -> dict:
    """Tensor trains of rank 4 that sweep over their cores once a step: those published, and with less to reorder."""
    return {
        ("TT_RNN scheme", "tt_lstm"): lambda: StepLoop(TransposingSweep(n, gated, 4), _dense(H), H),
        ("tensorized-rnn scheme", "fully decomposed tt_lstm"): lambda: StepLoop(
            EinsumSweep(n, gated, 4), EinsumSweep(m, gated, 4), H
        ),
        ("better sweep", "tt_lstm"): lambda: StepLoop(Sweep(n, gated, 4), _dense(H), H),
        ("better sweep", "fully decomposed tt_lstm"): lambda: StepLoop(Sweep(n, gated, 4), Sweep(m, gated, 4), H),
    }


def _dense(H: int) -> nn.Linear:
    return nn.Linear(H, 4 * H, bias=False)


def pixels() -> Case:
    D, H = 57600, 256
    n, m = [8, 20, 20, 18], [4, 4, 4, 4]
    gated, ring_n, ring_m = [16, 4, 4, 4], [4, 2, 5, 8, 6, 5, 3, 2], [4, 4, 2, 4, 2]
    paired = {"input_modes": n, "output_modes": m, "ranks": 4}
    declared = {
        "lstm": {"format": "dense"},
        "tt_lstm": {"format": "tensor_train", **paired},
        "tr_lstm": {"format": "tensor_ring", "input_modes": ring_n, "output_modes": ring_m, "ranks": 5},
        "bt_lstm": {"format": "block_term", **paired, "blocks": 2},
        "ht_lstm": {
            "format": "hierarchical_tucker",
            "input_modes": [8, 10, 10, 9, 8],
            "output_modes": [4, 4, 2, 4, 2],
            "leaf_rank": 4,
            "inner_rank": 5,
        },
        "fdht_lstm": {
            "format": "fully_decomposed",
            "input_modes": [6, 6, 40, 48],
            "output_modes": [8, 8, 2, 2],
            "leaf_rank": 8,
            "inner_rank": 4,
        },
    }
    others = {
        ("torch", "lstm"): lambda: Torch(D, H),
        ("tednet", "tt_lstm"): lambda: Tednet("tt", n, m, [4, 4, 4]),
        ("tednet", "tr_lstm"): lambda: Tednet("tr", ring_n, ring_m, [5] * 13),
        ("tednet", "bt_lstm"): lambda: Tednet("bt", n, m, [4] * 4, 2),
        ("tltorch", "tt_lstm"): lambda: StepLoop(peers.tensorly_torch(n, gated, 4), _dense(H), H),
        ("BT-LSTM authors' scheme", "bt_lstm"): lambda: StepLoop(BlockTerm(n, gated, 4, 2), _dense(H), H),
        **_sweeps(n, m, gated, H),
    }
    return _case("57600-256", D, H, True, declared, others)


def features() -> Case:
    D = H = 2048
    n, gated = [16, 16, 8], [32, 16, 16]
    paired = {"input_modes": n, "output_modes": [8, 16, 16], "ranks": 4}
    declared = {
        "lstm": {"format": "dense"},
        "tt_lstm": {"format": "tensor_train", **paired},
        "tr_lstm": {
            "format": "tensor_ring",
            "input_modes": [64, 32],
            "output_modes": [32, 64],
            "ranks": [40, 60, 48, 48],
        },
        "bt_lstm": {"format": "block_term", **paired, "blocks": 2},
        "ht_lstm": {"format": "hierarchical_tucker", **paired},
        "fdht_lstm": {
            "format": "fully_decomposed",
            "input_modes": [16, 16, 16],
            "output_modes": [8, 16, 16],
            "leaf_rank": 3,
            "inner_rank": 5,
        },
    }
    others = {
        ("torch", "lstm"): lambda: Torch(D, H),
        ("tednet", "tt_lstm"): lambda: Tednet("tt", n, [8, 16, 16], [4, 4]),
        ("tednet", "tr_lstm"): lambda: Tednet("tr", [64, 32], [32, 64], [40, 60, 48, 48]),
        ("tednet", "bt_lstm"): lambda: Tednet("bt", n, [8, 16, 16], [4] * 3, 2),
        ("tltorch", "tt_lstm"): lambda: StepLoop(peers.tensorly_torch(n, gated, 4), _dense(H), H),
        ("BT-LSTM authors' scheme", "bt_lstm"): lambda: StepLoop(BlockTerm(n, gated, 4, 2), _dense(H), H),
        **_sweeps(n, [8, 16, 16], gated, H),
    }
    return _case("2048-2048", D, H, False, declared, others)


def inputs(case: Case, batch: int, frames: int, device: str) -> tuple[Tensor, Tensor]:
    """What our models get and what their peers get: (B, T, D)."""
    torch.manual_seed(0)
    if not case.raw:
        x = torch.randn(batch, frames, case.input_size, device=device)
        return x, x
    x = torch.randint(0, 256, (batch, frames, case.input_size), dtype=torch.uint8, device=device)
    return x, x.float() / 255


def cases() -> Iterator[Case]:
    yield pixels()
    yield features()


def _case(name: str, D: int, H: int, raw: bool, declared: dict[str, dict], others: dict) -> Case:
    full = {model: {**entry, "input_size": D, "hidden_size": H} for model, entry in declared.items()}
    ours = {("ours", model): (lambda arguments=arguments: Ours(raw, **arguments)) for model, arguments in full.items()}
    assert all(math.prod(e.get("output_modes", [H])) == H for e in full.values())
    return Case(name, D, H, raw, {**ours, **others}, full)
