"""A classifier of clips: a recurrent layer, its last hidden state, a linear layer."""

from typing import Any

from torch import Tensor, float16, nn

import baselines
from workflow.datasets.front_ends import FRONT_ENDS
from workflow.experiments.run import Run
from workflow.experiments.training import PIXELS


class Classifier(nn.Module):
    """`recurrent` (B, T, D) -> last hidden state (B, H) -> logits (B, classes).

    Dropout acts inside `recurrent` on its input and on its hidden state, one mask per sequence, in training only.
    """

    def __init__(self, recurrent: nn.Module, hidden_size: int, classes: int, dropout: dict[str, float]):
        super().__init__()
        self.recurrent = recurrent
        self.classifier = nn.Linear(hidden_size, classes)
        self.dropout = {name: rate for name, rate in dropout.items() if rate}

    def forward(self, x: Tensor, lengths: Tensor | None = None) -> Tensor:
        if x.dtype == float16:  # features are stored in half precision but not computed in it
            x = x.float()
        options: dict[str, Any] = dict(self.dropout) if self.training else {}
        if lengths is not None:
            options["lengths"] = lengths
        _, state = self.recurrent(x, **options)
        hidden = state[0] if isinstance(state, tuple) else state  # an LSTM's (h, c), a GRU's h
        return self.classifier(hidden[-1])


def build(run: Run, classes: int) -> Classifier:
    """Return the run's model with new weights, drawn from torch's global generator on the CPU."""
    arguments, settings = run.recurrent, run.training
    recurrent = baselines.build(**arguments)
    frames = FRONT_ENDS[run.front_end].extractor is None
    prepared = baselines.FORMATS[arguments["format"]].prepare is not None  # prepare also normalises the frames
    if frames and not prepared:
        recurrent.normalise(*PIXELS[settings.normalisation])
    dropout = {"dropout_input": settings.dropout_input, "dropout_recurrent": settings.dropout_recurrent}
    return Classifier(recurrent, arguments["hidden_size"], classes, dropout)
