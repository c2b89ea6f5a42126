"""What is measured: two layer sizes, our models and their peers at the same shapes and ranks."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn

import baselines
from benchmarks import peers
from benchmarks.peers import BlockTerm, EinsumSweep, Last, StepLoop, Sweep, Tednet, TransposingSweep

PIXELS = {"input_modes": [8, 20, 20, 18], "output_modes": [4, 4, 4, 4], "ranks": 4}
FEATURES = {"input_modes": [16, 16, 8], "output_modes": [8, 16, 16], "ranks": 4}
RING = {"input_modes": [4, 2, 5, 8, 6, 5, 3, 2], "output_modes": [4, 4, 2, 4, 2], "ranks": [5] * 13}
WIDE_RING = {"input_modes": [64, 32], "output_modes": [32, 64], "ranks": [40, 60, 48, 48]}
TREE = {"input_modes": [8, 10, 10, 9, 8], "output_modes": [4, 4, 2, 4, 2], "leaf_rank": 4, "inner_rank": 5}
MEGA = {"input_modes": [6, 6, 40, 48], "output_modes": [8, 8, 2, 2], "leaf_rank": 8, "inner_rank": 4}
WIDE_MEGA = {"input_modes": [16, 16, 16], "output_modes": [8, 16, 16], "leaf_rank": 3, "inner_rank": 5}


@dataclass(frozen=True)
class Case:
    """A layer D -> H; `models` maps (implementation, model) to what builds it, `declared` our models' arguments."""

    name: str
    input_size: int
    hidden_size: int
    raw: bool  # ours gets uint8 pixels, peers their float copy made beforehand
    models: dict[tuple[str, str], Callable[[], nn.Module]]
    declared: dict[str, dict]


def ours(raw: bool, **arguments) -> Last:
    """A model of this project; raw: for uint8 pixels."""
    return Last(baselines.build(**arguments).normalise(1 / 255 if raw else 1, 0))


def cases() -> Iterator[Case]:
    yield _case(57600, 256, True, paired=PIXELS, ring=RING, tree=TREE, mega=MEGA)
    yield _case(2048, 2048, False, paired=FEATURES, ring=WIDE_RING, tree=FEATURES, mega=WIDE_MEGA)


def inputs(case: Case, batch: int, frames: int, device: str) -> tuple[Tensor, Tensor]:
    """What our models get and what their peers get: (B, T, D)."""
    torch.manual_seed(0)
    if not case.raw:
        x = torch.randn(batch, frames, case.input_size, device=device)
        return x, x
    x = torch.randint(0, 256, (batch, frames, case.input_size), dtype=torch.uint8, device=device)
    return x, x.float() / 255


def _case(D: int, H: int, raw: bool, paired: dict, ring: dict, tree: dict, mega: dict) -> Case:
    formats = {
        "lstm": {"format": "dense"},
        "tt_lstm": {"format": "tensor_train", **paired},
        "tr_lstm": {"format": "tensor_ring", **ring},
        "bt_lstm": {"format": "block_term", **paired, "blocks": 2},
        "ht_lstm": {"format": "hierarchical_tucker", **tree},
        "fdht_lstm": {"format": "fully_decomposed", **mega},
    }
    declared = {model: {**entry, "input_size": D, "hidden_size": H} for model, entry in formats.items()}
    own = {("ours", model): (lambda entry=entry: ours(raw, **entry)) for model, entry in declared.items()}
    return Case(f"{D}-{H}", D, H, raw, {**own, **_peers(D, H, ring, **paired)}, declared)


def _peers(D: int, H: int, ring: dict, input_modes: list[int], output_modes: list[int], ranks: int) -> dict:
    """Other implementations, those of tensor trains and block terms with the given modes and rank."""
    n, m, r, d = input_modes, output_modes, ranks, len(input_modes)
    gated = [4 * m[0], *m[1:]]

    def with_dense(W: nn.Module) -> StepLoop:
        return StepLoop(W, nn.Linear(H, 4 * H, bias=False), H)

    def fully_decomposed(sweep: type[nn.Module]) -> StepLoop:
        return StepLoop(sweep(n, gated, r), sweep(m, gated, r), H)

    return {
        ("torch", "lstm"): lambda: Last(nn.LSTM(D, H, batch_first=True)),
        ("tednet", "tt_lstm"): lambda: Tednet("tt", n, m, [r] * (d - 1)),
        ("tednet", "tr_lstm"): lambda: Tednet("tr", *ring.values()),
        ("tednet", "bt_lstm"): lambda: Tednet("bt", n, m, [r] * d, 2),
        ("tltorch", "tt_lstm"): lambda: with_dense(peers.tensorly_torch(n, gated, r)),
        ("BT-LSTM authors' scheme", "bt_lstm"): lambda: with_dense(BlockTerm(n, gated, r, 2)),
        ("TT_RNN scheme", "tt_lstm"): lambda: with_dense(TransposingSweep(n, gated, r)),
        ("tensorized-rnn scheme", "fully decomposed tt_lstm"): lambda: fully_decomposed(EinsumSweep),
        ("better sweep", "tt_lstm"): lambda: with_dense(Sweep(n, gated, r)),
        ("better sweep", "fully decomposed tt_lstm"): lambda: fully_decomposed(Sweep),
    }
