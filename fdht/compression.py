"""Compression of a trained model: its linear layers and LSTMs become hierarchical Tucker matrices."""

import copy
import math
from collections import Counter
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor, nn

from fdht.decompose import ranks_for, spectra
from fdht.hierarchical import hierarchical_tucker
from fdht.lstm import FDHTLSTM, mega_matrices
from fdht.maps import HierarchicalTucker
from fdht.shapes import factorise, natural, number
from fdht.stacked import names

KINDS = (nn.Linear, nn.LSTM)  # not classes derived from them, which may use their weights in other ways
HALVINGS = 50  # of the interval in which the accuracy for a budget lies


class Layer(NamedTuple):
    """A layer of a compressed model: its weights before and after, without biases, and their relative error.

    kind: its class now. error: Frobenius norm of the difference over that of the weights; 0 if the layer is unchanged.
    """

    name: str
    kind: str
    before: int
    after: int
    error: float


@dataclass(frozen=True)
class Report:
    """What `compress` did, layer by layer. Printed as a table."""

    layers: tuple[Layer, ...]

    @property
    def before(self) -> int:
        """Weights of all layers before."""
        return sum(layer.before for layer in self.layers)

    @property
    def after(self) -> int:
        """Weights of all layers now."""
        return sum(layer.after for layer in self.layers)

    def __str__(self) -> str:
        width = max(len("all"), *(len(layer.name) for layer in self.layers))
        lines = [f"{'layer':<{width}}  {'now':<18} {'before':>12} {'after':>12}  error"]
        for name, kind, before, after, error in self.layers:
            lines.append(f"{name:<{width}}  {kind:<18} {before:>12,} {after:>12,}  {error:.2e}")
        return "\n".join([*lines, f"{'all':<{width}}  {'':<18} {self.before:>12,} {self.after:>12,}"])


def compress(
    model: nn.Module, *, accuracy: float | None = None, budget: int | None = None, order: int = 4
) -> tuple[nn.Module, Report]:
    """Return a copy of `model`, its torch.nn.Linear as HierarchicalTucker and LSTMs as FDHTLSTM, and a report.

    Give either `accuracy`, the relative error that the weights of each layer may have, or `budget`: these layers
    together then store at most that many weights, without biases, at the same relative error. A layer that would not
    become smaller stays as it is. So does one that has a projection or shares a parameter with another; the report and
    the budget leave it out. Frozen parameters stay frozen. order: number of modes, which are near-equal factors of the
    sizes. Raises ValueError for a model without such layers and for a budget that is too small for any ranks.
    """
    if (accuracy is None) == (budget is None):
        raise ValueError(f"accuracy is {accuracy!r} and budget is {budget!r}; expected one of them")
    if accuracy is not None:
        number("accuracy", accuracy, above=0)
    model = copy.deepcopy(model)
    owners = Counter(parameter for module in model.modules() for parameter in module.parameters(recurse=False))
    places: dict[nn.Module, list[str]] = {}
    for name, module in model.named_modules(remove_duplicate=False):
        alone = all(owners[parameter] == 1 for parameter in module.parameters())
        if type(module) in KINDS and alone and not getattr(module, "proj_size", 0):
            places.setdefault(module, []).append(name)
    if not places:
        raise ValueError(
            f"model is a {type(model).__name__} without a torch.nn.Linear or LSTM; expected some that share no weights"
        )
    candidates = {module: _Candidate(module, natural("order", order)) for module in places}
    if accuracy is None:
        accuracy = _accuracy_for(natural("budget", budget), list(candidates.values()), order)
    layers = []
    for module, candidate in candidates.items():
        new, after = module, candidate.weights(accuracy)
        if after < candidate.before:
            new = candidate.compressed(accuracy).train(module.training)
            for name in places[module]:
                if name:
                    model.set_submodule(name, new)
                else:
                    model = new
        after = min(after, candidate.before)
        layers.append(Layer(places[module][0], type(new).__name__, candidate.before, after, _error(module, new)))
    return model, Report(tuple(layers))


class _Candidate:
    """A layer, the matrices (M, N) that would be decomposed, with their modes, and their spectra."""

    def __init__(self, module: nn.Module, order: int):
        self.module, self.before = module, sum(weight.numel() for weight in _weights(module))
        if isinstance(module, nn.LSTM):
            self.output_modes = factorise(module.hidden_size, order)[::-1]
            megas = mega_matrices(module, None, self.output_modes)
            self.matrices = {name: (W, place.input_modes, outputs) for name, (W, place, outputs) in megas.items()}
        else:
            W = _weights(module)[0]
            self.matrices = {"": (W, factorise(W.shape[1], order), factorise(W.shape[0], order)[::-1])}
        self.spectra = {name: spectra(*given) for name, given in self.matrices.items()}

    def ranks(self, accuracy: float) -> dict[str, list[int]]:
        """The ranks of each matrix at which it has the accuracy."""
        return {name: ranks_for(accuracy, squares) for name, squares in self.spectra.items()}

    def weights(self, accuracy: float) -> int:
        """Numbers stored with these ranks."""
        ranks = self.ranks(accuracy)
        return sum(hierarchical_tucker(n, m, ranks[name]).weights for name, (_, n, m) in self.matrices.items())

    def compressed(self, accuracy: float) -> nn.Module:
        """The layer that has the accuracy."""
        ranks = self.ranks(accuracy)
        if isinstance(self.module, nn.LSTM):
            return FDHTLSTM.from_lstm(self.module, None, self.output_modes, ranks)
        assert isinstance(self.module, nn.Linear)
        W, n, m = self.matrices[""]
        layer = HierarchicalTucker.from_dense(W, n, m, ranks[""], bias=self.module.bias)
        layer.cores.requires_grad_(self.module.weight.requires_grad)
        if layer.bias is not None:
            layer.bias.requires_grad_(self.module.bias.requires_grad)
        return layer


def _accuracy_for(budget: int, candidates: list[_Candidate], order: int) -> float:
    """The smallest relative error with which all candidates fit into `budget`, up to rounding."""

    def size(accuracy: float) -> int:
        return sum(min(candidate.before, candidate.weights(accuracy)) for candidate in candidates)

    low, high = 0.0, math.sqrt(2 * order)  # where the error that a node may make exceeds its matrix: all ranks are 1
    if size(high) > budget:
        raise ValueError(f"budget is {budget}; expected at least {size(high)}, the weights with all ranks 1")
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        low, high = (low, middle) if size(middle) <= budget else (middle, high)
    return high


@torch.no_grad()
def _weights(layer: nn.Module) -> list[Tensor]:
    """The weight matrix of a linear layer, or [W U] of every layer and direction of an LSTM."""
    if isinstance(layer, nn.Linear):
        return [layer.weight.detach()]
    if isinstance(layer, HierarchicalTucker):
        return [layer.dense()]
    if isinstance(layer, FDHTLSTM):
        return [torch.cat(part.dense_weights(), 1) for part in layer.layers]
    assert isinstance(layer, nn.LSTM)
    layers = names(layer.num_layers, layer.bidirectional)
    return [torch.cat([getattr(layer, f"weight_{side}_{name}") for side in ("ih", "hh")], 1) for name in layers]


def _error(old: nn.Module, new: nn.Module) -> float:
    """The relative error of the weights of `new`, in the Frobenius norm."""
    before, after = (torch.cat([W.double().flatten() for W in _weights(layer)]) for layer in (old, new))
    return float((after - before).norm() / (before.norm() or 1))
