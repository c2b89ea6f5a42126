"""What a model is, as plain data: its networks, its counts and its cost. Torch-free."""

from dataclasses import dataclass
from typing import Any

from fdht.engine.costs import cost
from fdht.engine.plans import plans
from fdht.mega import GATES
from fdht.network import Network
from fdht.placement import Placement
from fdht.shapes import choice, number

INITIALISATIONS = ("matched", "authors")
OPTIONS = ("cell", "init", "gain", "forget_bias")  # of every recurrent layer


@dataclass(frozen=True)
class AuthorsStart:
    """The authors' own initialisation: a distribution for every core of W, one for U, and the forget-gate bias.

    Distributions are (name, scale): ("uniform", half width), ("normal", std), ("truncated", std before cutting at
    two std) or ("orthogonal", gain).
    """

    W: tuple[str, float]
    U: tuple[str, float]
    forget_bias: float = 0.0


@dataclass(frozen=True)
class Declaration:
    """A recurrent layer before any number is allocated. W (G H, D), or (G H, D + H) where `placement` is given.

    authors: the authors' initialisation, given if `init` is "authors".
    """

    format: str
    cell: str
    hidden_size: int
    W: Network
    placement: Placement | None = None
    init: str = "matched"
    gain: float = 1.0
    forget_bias: float | None = None
    authors: AuthorsStart | None = None

    @property
    def gates(self) -> int:
        return GATES[self.cell]

    def parameters(self) -> dict[str, int]:
        """Numbers stored in W, U and the bias; U is 0 where W holds both."""
        rows = self.gates * self.hidden_size
        return {"W": self.W.weights, "U": 0 if self.placement else rows * self.hidden_size, "bias": rows}

    def classifier(self, classes: int, features: int) -> int:
        """Numbers stored in the linear layer on the last hidden state; `features` does not matter."""
        return (self.hidden_size + 1) * classes

    def complexity(self) -> dict[str, Any]:
        """Return weights, multiply_adds of a time step of one sequence, peak (elements of the largest intermediate)
        and formula.

        W is applied in the order that needs the fewest multiply-adds of all orders the engine knows, with its merged
        halves at hand; a dense U adds G H H. FDHT applies its map to x and h together.
        """
        estimate = min((cost(self.W, plan, 1) for plan in plans(self.W)), key=lambda known: known.multiply_adds)
        U = self.parameters()["U"]
        return {
            "weights": self.W.weights + U,
            "multiply_adds": estimate.multiply_adds + U,
            "peak": max(estimate.peak, self.W.output_size),
            "formula": f"{estimate.formula}; U: {self.gates} H^2" if U else estimate.formula,
        }


@dataclass(frozen=True)
class Fitted:
    """A classifier without a recurrent layer, fitted at once to one vector of features per clip.

    linear: True if it stores a weight per feature and a bias for each class.
    """

    linear: bool = False

    def parameters(self) -> dict[str, int]:
        """Numbers stored in a recurrent layer, which it does not have."""
        return {"W": 0, "U": 0, "bias": 0}

    def classifier(self, classes: int, features: int) -> int:
        """Numbers stored for `features` per clip."""
        return (features + 1) * classes if self.linear else 0


def options(arguments: dict[str, Any]) -> dict[str, Any]:
    """Return the checked options of a recurrent layer, with their defaults."""
    cell = choice("cell", arguments.get("cell", "lstm"), tuple(GATES))
    forget_bias = arguments.get("forget_bias")
    if forget_bias is not None:
        number("forget_bias", forget_bias)
        if cell != "lstm":
            raise ValueError(
                f"forget_bias is {forget_bias!r} with cell {cell!r}; expected None: a GRU has no such gate"
            )
    return {
        "cell": cell,
        "init": choice("init", arguments.get("init", "matched"), INITIALISATIONS),
        "gain": number("gain", arguments.get("gain", 1.0), above=0),
        "forget_bias": forget_bias,
    }
