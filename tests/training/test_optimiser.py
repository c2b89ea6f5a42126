"""Adam and AdamW by group, their moments and schedules."""

import pytest
import torch
from training import one_run
from training.conftest import specification

from workflow.experiments.run import Run
from workflow.training import optimiser
from workflow.training.model import Classifier


def parse(**training):
    return Run.parse(specification(**training)).training


def tiny(seed=0):
    torch.manual_seed(seed)
    return Classifier(torch.nn.LSTM(5, 3, batch_first=True), 3, 2, {})


@pytest.mark.parametrize(("name", "theirs"), [("adam", torch.optim.Adam), ("adamw", torch.optim.AdamW)])
def test_equals_torch_bit_for_bit(name, theirs):
    given = parse(optimizer=name, learning_rate=0.03, weight_decay=0.01, classifier_weight_decay=0.2)
    ours, other = tiny(), tiny()
    mine = optimiser.Optimiser(ours, given)
    weight = other.classifier.weight
    rest = [p for p in other.parameters() if p is not weight]
    groups = [{"params": rest, "weight_decay": 0.01}, {"params": [weight], "weight_decay": 0.01 + 0.2}]
    reference = theirs(groups, lr=0.03, fused=True)
    for step in range(5):
        x = torch.randn(4, 6, 5, generator=torch.Generator().manual_seed(step))
        for model in (ours, other):
            model.zero_grad()
            model(x).square().sum().backward()
        if step == 3:
            mine.set_rate(0.001)
            for group in reference.param_groups:
                group["lr"] = 0.001
        mine.step()
        reference.step()
        mine.zero_grad()
    for p, q in zip(ours.parameters(), other.parameters(), strict=True):
        assert torch.equal(p, q)


def test_schedules():
    def rates(**training):
        given = parse(learning_rate=1.0, epochs=4, **training)
        return [optimiser.learning_rate(given, epoch) for epoch in range(1, 5)]

    assert rates() == [1.0] * 4
    assert rates(schedule="step", milestones=[1, 3], decay=0.5) == [1.0, 0.5, 0.5, 0.25]
    assert rates(schedule="cosine") == pytest.approx([1.0, 0.5 + 0.5**1.5, 0.5, 0.5 - 0.5**1.5])


def test_the_inverse_schedule_is_the_decay_of_keras():
    """Keras 2, optimizers.py: lr *= 1 / (1 + decay * iterations), where iterations counts the steps before this one."""
    given = parse(schedule="inverse", learning_rate=0.5, decay=0.25)
    rates = [optimiser.learning_rate(given, epoch, steps) for epoch, steps in [(1, 0), (1, 1), (2, 4), (9, 12)]]
    assert rates == [0.5, 0.4, 0.25, 0.125]


def test_the_rate_of_the_inverse_schedule_falls_at_every_step(data, tmp_path, monkeypatch):
    rates, original = [], optimiser.Optimiser.set_rate
    monkeypatch.setattr(optimiser.Optimiser, "set_rate", lambda self, rate: rates.append(rate) or original(self, rate))
    plain = specification(epochs=2, batch_size=16, schedule="inverse", learning_rate=0.5, decay=0.25)  # 24 clips
    assert one_run.start(plain, data, tmp_path) == 0
    assert rates == [0.5 / (1 + 0.25 * steps) for steps in range(4)]
    _, metrics, _ = one_run.read(tmp_path)
    assert [line["learning_rate"] for line in metrics] == [rates[0], rates[2]]
