"""What a model is, as plain data: its networks, its counts and its cost. Torch-free."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from fdht.engine.costs import Cost, cost
from fdht.engine.plans import plans
from fdht.mega import GATES, checked
from fdht.network import Network
from fdht.placement import Placement

if TYPE_CHECKING:
    from fdht.recurrent import Recurrent

OPTIONS = ("cell", "gain", "forget_bias", "gate_activation")  # of every recurrent layer


@dataclass(frozen=True)
class AuthorsStart:
    """The initialisation of the cores of W and of the forget gate in the authors' code; U always starts orthogonal.

    W: a function of torch.nn.init and its arguments.
    """

    W: tuple[Any, ...]
    forget_bias: float = 0.0


def truncated_normal(std: float) -> tuple[Any, ...]:
    """Return Keras's truncated normal distribution: `std` before it is cut at two of them."""
    return "trunc_normal_", 0.0, std, -2 * std, 2 * std


def least(network: Network) -> Cost:
    """The cost of the order of contraction with the fewest multiply-adds, for one row."""
    return min((cost(network, plan, 1) for plan in plans(network)), key=lambda known: known.multiply_adds)


@dataclass(frozen=True)
class Declaration:
    """A recurrent layer before any number is allocated. W (G H, D), or (G H, D + H) where `placement` is given.

    U: the network of U (G H, H); None if U is dense or W holds it. authors: the initialisation in the authors' code;
    None for `init: matched`. Raises ValueError for impossible options.
    """

    W: Network
    hidden_size: int
    placement: Placement | None = None
    U: Network | None = None
    authors: AuthorsStart | None = None
    cell: str = "lstm"
    gain: float = 1.0
    forget_bias: float | None = None
    gate_activation: str = "sigmoid"

    def __post_init__(self) -> None:
        checked(**{name: getattr(self, name) for name in OPTIONS})

    def parameters(self) -> dict[str, int]:
        """Numbers stored in W, U and the bias; U is 0 where W holds both."""
        rows = GATES[self.cell] * self.hidden_size
        dense = 0 if self.placement else rows * self.hidden_size
        return {"W": self.W.weights, "U": self.U.weights if self.U else dense, "bias": rows}

    def classifier(self, classes: int, features: int) -> int:
        """Numbers stored in the linear layer on the last hidden state; `features` does not matter."""
        return (self.hidden_size + 1) * classes

    def complexity(self) -> dict[str, Any]:
        """Return weights, multiply_adds of a time step of one sequence, peak (elements of the largest intermediate)
        and formula.

        W is applied in the order that needs the fewest multiply-adds of all orders the engine knows, with its merged
        halves at hand; a dense U adds G H H. FDHT applies its map to x and h together.
        """
        W = least(self.W)
        dense = 0 if self.placement else self.parameters()["U"]
        U = least(self.U) if self.U else Cost(dense, 0, 0, f"{GATES[self.cell]} H^2" if dense else "")
        return {
            "weights": self.W.weights + self.parameters()["U"],
            "multiply_adds": W.multiply_adds + U.multiply_adds,
            "peak": max(W.peak, U.peak, self.W.output_size),
            "formula": f"{W.formula}; U: {U.formula}" if U.formula else W.formula,
        }

    def build(self, device: Any, dtype: Any) -> "Recurrent":
        """Return the torch module, batch first, with its initial weights drawn."""
        from torch import nn, no_grad

        from fdht.recurrent import Recurrent

        options: dict[str, Any] = {name: getattr(self, name) for name in OPTIONS}
        place: dict[str, Any] = {"placement": self.placement, "device": device, "dtype": dtype}
        recurrent = Recurrent(self.W, self.hidden_size, batch_first=True, state_network=self.U, **options, **place)
        if self.authors is not None:
            initialiser, *values = self.authors.W
            for core in recurrent.W.cores.values():
                getattr(nn.init, initialiser)(core, *values)
            if isinstance(recurrent.U, nn.Parameter):
                nn.init.orthogonal_(recurrent.U)
            if self.cell == "lstm" and self.forget_bias is None and recurrent.bias is not None:
                with no_grad():
                    recurrent.bias[self.hidden_size : 2 * self.hidden_size] = self.authors.forget_bias
        return recurrent


@dataclass(frozen=True)
class Fitted:
    """A classifier without a recurrent layer, fitted in one call to one vector of features per clip.

    linear: True if it stores a weight per feature and a bias for each class; two classes share theirs.
    """

    linear: bool = False

    def parameters(self) -> dict[str, int]:
        """Numbers stored in a recurrent layer, which it does not have."""
        return {"W": 0, "U": 0, "bias": 0}

    def classifier(self, classes: int, features: int) -> int:
        """Numbers stored for `features` per clip."""
        return (features + 1) * (classes if classes > 2 else 1) if self.linear else 0
