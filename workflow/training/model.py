"""A classifier of clips: a recurrent layer, its last hidden state, a linear layer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from torch import Tensor, float16, nn
from torch.nn.functional import dropout

import baselines
from workflow.datasets.front_ends import FRONT_ENDS
from workflow.datasets.front_ends.pixels import NORMALISATIONS

if TYPE_CHECKING:
    from workflow.experiments.run import Run


class Classifier(nn.Module):
    """`recurrent` (B, T, D) -> last hidden state (B, H) -> logits (B, classes).

    In training only: dropout inside `recurrent`, by these arguments, and on the last hidden state, with the share
    dropout_classifier.
    """

    def __init__(
        self,
        recurrent: nn.Module,
        hidden_size: int,
        classes: int,
        dropout: dict[str, float],
        dropout_classifier: float = 0.0,
    ):
        super().__init__()
        self.recurrent = recurrent
        self.classifier = nn.Linear(hidden_size, classes)
        self.dropout = {name: value for name, value in dropout.items() if value}
        self.dropout_classifier = dropout_classifier

    def forward(self, x: Tensor, lengths: Tensor | None = None) -> Tensor:
        if x.dtype == float16:  # features are stored in half precision but not computed in it
            x = x.float()
        options: dict[str, Any] = dict(self.dropout) if self.training else {}
        if lengths is not None:
            options["lengths"] = lengths
        _, state = self.recurrent(x, **options)
        hidden = state[0] if isinstance(state, tuple) else state  # an LSTM's (h, c), a GRU's h
        last = hidden[-1]
        if self.training and self.dropout_classifier:
            last = dropout(last, self.dropout_classifier)
        return self.classifier(last)


def build(run: Run, classes: int) -> Classifier:
    """Return the run's model with new weights, drawn from torch's global generator on the CPU."""
    arguments, settings = run.recurrent, run.training
    recurrent = baselines.build(**arguments)
    if FRONT_ENDS[run.front_end].extractor:
        recurrent.normalise(settings.feature_scale, 0.0)
    elif not baselines.FORMATS[arguments["format"]].prepare:  # which normalises the frames, too
        recurrent.normalise(*NORMALISATIONS[settings.normalisation])
    inside = {name: getattr(settings, name) for name in ("dropout_input", "dropout_product", "dropout_recurrent")}
    inside["dropout_every_step"] = settings.dropout_mask == "step"
    return Classifier(recurrent, arguments["hidden_size"], classes, inside, settings.dropout_classifier)
