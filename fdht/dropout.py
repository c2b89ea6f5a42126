"""Dropout inside a recurrent layer: where it acts, and its masks."""

from typing import Any, NamedTuple

from torch import Tensor

from fdht.shapes import number


class Masks(NamedTuple):
    """None without dropout: on x (B, D), on W x (B, 1 or T, G H), on h (B, H) or (B, T, H)."""

    x: Tensor | None
    product: Tensor | None
    h: Tensor | None


class Dropout(NamedTuple):
    """Shares of x, W x and h that are zeroed in training mode; kept values are divided by 1 - p.

    every_step: masks on W x and h are new at every step, not the same at all steps of a sequence.
    """

    input: float
    product: float
    recurrent: float
    every_step: bool

    def masks(self, like: Tensor, rows: int, B: int, T: int, D: int, H: int, training: bool) -> Masks:
        """Draw the masks for B sequences of T steps, G H = `rows`, in the dtype of `like`.

        Raises ValueError unless 0 <= p < 1.
        """
        return Masks(
            mask("dropout_input", self.input, training, like, B, D),
            mask("dropout_product", self.product, training, like, B, T if self.every_step else 1, rows),
            mask("dropout_recurrent", self.recurrent, training, like, B, *([T] if self.every_step else []), H),
        )


def mask(name: str, p: Any, training: bool, like: Tensor, *shape: int) -> Tensor | None:
    """Return a mask in the dtype of `like`, or None."""
    if not 0 <= number(name, p) < 1:
        raise ValueError(f"{name} is {p!r}; expected a probability in 0 <= p < 1")
    keep = 1 - float(p)
    return like.new_empty(shape).bernoulli_(keep).div_(keep) if training and keep < 1 else None
