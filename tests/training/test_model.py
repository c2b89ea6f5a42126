"""What the settings of a run become in its model: dropout at its places, and the scale of the input."""

import pytest
import torch
from training.conftest import HEIGHT, WIDTH, T, specification

from workflow.experiments.run import Run
from workflow.training import model

D = HEIGHT * WIDTH * 3


def built(front_end="pixels", **training):
    torch.manual_seed(0)
    run = Run.parse(specification("dense", identity={"front_end": front_end}, **training))
    return model.build(run, 4).double()


def clips(count=2):
    return torch.randn(count, T, D, dtype=torch.float64, generator=torch.Generator().manual_seed(1))


def test_the_layer_gets_its_dropout(monkeypatch):
    given = {"dropout_input": 0.1, "dropout_product": 0.2, "dropout_recurrent": 0.3, "dropout_mask": "step"}
    classifier = built(**given)
    seen, forward = [], classifier.recurrent.forward
    monkeypatch.setattr(classifier.recurrent, "forward", lambda x, **options: seen.append(options) or forward(x))
    classifier(clips())
    classifier.eval()(clips())
    del given["dropout_mask"]
    assert seen == [{**given, "dropout_every_step": True}, {}]


def test_dropout_before_the_classifier_acts_on_the_last_hidden_state_in_training_alone():
    plain, dropped = built(), built(dropout_classifier=0.5)
    x = clips(500)
    hidden = plain.recurrent(x)[1][0][-1]
    seen = []
    dropped.classifier.register_forward_pre_hook(lambda _, given: seen.append(given[0]))
    dropped(x)
    kept = seen[0] != 0
    assert abs(kept.double().mean() - 0.5) < 0.05
    torch.testing.assert_close(seen[0][kept], 2 * hidden[kept])
    torch.testing.assert_close(dropped.eval()(x), plain(x))


@pytest.mark.parametrize(
    ("front_end", "training", "scale", "shift"),
    [
        ("pixels", {}, 1 / 128, -1),
        ("pixels", {"normalisation": "raw", "feature_scale": 9.0}, 1, -128),
        ("inception_v3", {"normalisation": "raw"}, 1, 0),
        ("inception_v3", {"feature_scale": 1 / 128}, 1 / 128, 0),
    ],
)
def test_scale_of_the_input(front_end, training, scale, shift):
    x = clips() * 100
    plain = built("inception_v3")  # the same weights, and an input that is scaled already
    torch.testing.assert_close(built(front_end, **training)(x), plain(x * scale + shift))
