"""A trained model is compressed: exactly where its weights have low ranks, within the accuracy or budget elsewhere."""

import re

import pytest
import torch
from torch import nn

import fdht
from fdht import FDHTLSTM, HierarchicalTucker
from fdht.shapes import factorise
from fdht.stacked import names

D, H, CLASSES = 32, 16, 24  # for which x and h fill the mega map
X = torch.linspace(-2, 2, 3 * 5 * D, dtype=torch.float64).sin().view(3, 5, D)


class Model(nn.Module):
    """An LSTM, a hidden layer that is used twice, and a classifier."""

    def __init__(self, lstm, hidden, classifier):
        super().__init__()
        self.lstm, self.first, self.second, self.classifier = lstm, hidden, hidden, classifier

    def forward(self, x):
        self.lstm.flatten_parameters()
        outputs, (h, _) = self.lstm(x)
        return self.classifier(self.second(self.first(h[-1]).relu())) + outputs.sum()


def linear(rows, columns, ranks=None):
    layer = nn.Linear(columns, rows, dtype=torch.float64)
    if ranks:
        modes = factorise(columns, 4), factorise(rows, 4)[::-1]
        with torch.no_grad():
            layer.weight.copy_(HierarchicalTucker(*modes, ranks, dtype=torch.float64).dense())
    return layer


@pytest.fixture(params=[(1, False), (2, True)], ids=["one layer", "two, both directions"])
def low_rank(request):
    """A model whose weights have ranks 2 and 3, and how many numbers these need in each layer."""
    torch.manual_seed(0)
    num_layers, bidirectional = request.param
    shape = {"num_layers": num_layers, "bidirectional": bidirectional, "batch_first": True}
    given = FDHTLSTM(D, H, ranks=2, dtype=torch.float64, **shape)
    lstm = nn.LSTM(D, H, dtype=torch.float64, **shape)
    with torch.no_grad():
        for name, part in zip(names(num_layers, bidirectional), given.layers, strict=True):
            for kind, weight in zip(("ih", "hh"), part.dense_weights(), strict=True):
                getattr(lstm, f"weight_{kind}_{name}").copy_(weight)
    model = Model(lstm, linear(H, H, 2), linear(CLASSES, H, 3)).eval()
    pairs = [2 * 2, 2 * 2, 2 * 2, 2 * 2], [2 * 2, 2 * 2, 2 * 2, 2 * 3]  # n m of every mode of the linear layers
    counts = [sum(pair) * rank + 2 * rank**3 + rank**2 for pair, rank in zip(pairs, (2, 3), strict=True)]
    return model, [given.weight_parameters()["W"], *counts]


@pytest.fixture
def trained():
    """A model whose weights are of rank 1 with ever smaller corrections, the last of full rank."""
    torch.manual_seed(1)

    def weight(columns, rows):
        parts = [HierarchicalTucker(columns, rows, 1, dtype=torch.float64).dense() for _ in range(3)]
        parts.append(torch.randn(parts[0].shape, dtype=torch.float64))
        return sum(0.2**k * part / part.norm() for k, part in enumerate(parts))

    model = Model(nn.LSTM(D, H, batch_first=True, dtype=torch.float64), linear(H, H), linear(CLASSES, H))
    with torch.no_grad():
        whole = weight([3, 4, 2, 2], [8, 2, 2, 2])
        model.lstm.weight_ih_l0.copy_(whole[:, :D])
        model.lstm.weight_hh_l0.copy_(whole[:, D:])
        model.first.weight.copy_(weight([2, 2, 2, 2], [2, 2, 2, 2]))
        model.classifier.weight.copy_(weight([2, 2, 2, 2], [2, 2, 2, 3]))
    return model.eval()


def dense_of(model):
    """The weights of the three layers, as their norms are compared."""
    lstm = [torch.cat(part.dense_weights(), 1) for part in model.lstm.layers]
    return [torch.cat(lstm), model.first.dense(), model.classifier.dense()]


def test_low_ranks_are_found_by_accuracy_and_by_budget(low_rank):
    model, counts = low_rank
    by_accuracy, report = fdht.compress(model, accuracy=1e-9)
    assert [layer.after for layer in report.layers] == counts
    assert [layer.name for layer in report.layers] == ["lstm", "first", "classifier"]
    assert [layer.kind for layer in report.layers] == ["FDHTLSTM", "HierarchicalTucker", "HierarchicalTucker"]
    assert max(layer.error for layer in report.layers) < 1e-12
    by_budget, same = fdht.compress(model, budget=sum(counts))
    assert [layer.after for layer in same.layers] == counts
    for found in (by_accuracy, by_budget):
        torch.testing.assert_close(found(X), model(X), rtol=1e-10, atol=1e-10)


def test_the_report_counts_what_is_stored(low_rank):
    model, counts = low_rank
    found, report = fdht.compress(model, accuracy=1e-9)
    assert (
        report.after == sum(counts) == sum(core.numel() for name, core in found.named_parameters() if "cores" in name)
    )
    assert report.before == sum(p.numel() for name, p in model.named_parameters() if "weight" in name)
    title, *lines, whole = str(report).splitlines()
    assert title.split() == ["layer", "now", "before", "after", "error"]
    assert [line.split()[0] for line in lines] == ["lstm", "first", "classifier"]
    assert whole.split() == ["all", f"{report.before:,}", f"{report.after:,}"]


@pytest.mark.parametrize("accuracy", [0.5, 0.1, 0.02])
def test_no_layer_is_less_accurate_than_asked_for(trained, accuracy):
    found, report = fdht.compress(trained, accuracy=accuracy)
    state = trained.state_dict()
    lstm = torch.cat([state["lstm.weight_ih_l0"], state["lstm.weight_hh_l0"]], 1)
    given = [lstm, state["first.weight"], state["classifier.weight"]]
    for layer, old, new in zip(report.layers, given, dense_of(found), strict=True):
        assert layer.after < layer.before == old.numel()
        assert layer.error == pytest.approx(((new - old).norm() / old.norm()).item(), rel=1e-9)
        assert 0 < layer.error <= accuracy


def test_a_budget_is_kept_and_used(trained):
    errors = []
    for budget in (200, 400, 800):
        found, report = fdht.compress(trained, budget=budget)
        assert report.after <= budget
        assert report.after > 0.7 * budget
        errors.append(max(layer.error for layer in report.layers))
        assert found(X).shape == (3, CLASSES)
    assert errors == sorted(errors, reverse=True)
    with pytest.raises(ValueError, match=r"budget is 20; expected at least \d+, the weights with all ranks 1") as error:
        fdht.compress(trained, budget=20)
    least = int(re.search(r"at least (\d+)", str(error.value))[1])
    assert fdht.compress(trained, budget=least)[1].after == least


def test_a_layer_that_would_not_become_smaller_stays(trained):
    found, report = fdht.compress(trained, accuracy=1e-12)
    assert {layer.kind for layer in report.layers} == {"LSTM", "Linear"}
    assert all(layer.after == layer.before for layer in report.layers)
    assert [layer.error for layer in report.layers] == [0, 0, 0]
    assert torch.equal(found(X), trained(X))


def test_the_given_model_is_unchanged_and_shared_layers_stay_shared(trained):
    before = {name: value.clone() for name, value in trained.state_dict().items()}
    found, _ = fdht.compress(trained, accuracy=0.3)
    assert all(torch.equal(value, before[name]) for name, value in trained.state_dict().items())
    assert isinstance(trained.lstm, nn.LSTM)
    assert found.first is found.second
    assert torch.equal(found.first.bias, trained.first.bias)
    assert not found.lstm.training
    found.train()
    found(X).sum().backward()
    assert all(parameter.grad is not None for parameter in found.parameters())


def test_layers_that_share_a_weight_stay():
    embedding, classifier, first, second = nn.Embedding(H, H), linear(H, H, 2), linear(H, H, 2), linear(H, H, 2)
    classifier.weight, second.weight = embedding.weight, first.weight
    model = nn.ModuleList([embedding, classifier, first, second, linear(H, H, 2)])
    found, report = fdht.compress(model, budget=H * H - 1)
    assert [layer.name for layer in report.layers] == ["4"]
    assert found[1].weight is found[0].weight
    assert found[3].weight is found[2].weight
    with pytest.raises(ValueError, match="expected some that share no weights"):
        fdht.compress(model[:4], accuracy=0.1)


@pytest.mark.parametrize("training", [True, False])
def test_what_is_frozen_stays_frozen_and_the_mode_is_kept(low_rank, training):
    model = low_rank[0].train(training)
    model.first.requires_grad_(False)
    model.classifier.bias.requires_grad_(False)
    for name, parameter in model.lstm.named_parameters():  # a matrix is trained if W or U is
        parameter.requires_grad_(name in ("weight_hh_l0", "bias_ih_l0"))
    found, _ = fdht.compress(model, accuracy=1e-9)
    alone = FDHTLSTM.from_lstm(model.lstm, ranks=2)
    trained = {name for name, parameter in found.named_parameters() if parameter.requires_grad}
    cores = {name for name, _ in found.named_parameters() if name.startswith(("lstm.W.", "classifier.cores."))}
    assert trained == cores | {"lstm.bias"}
    assert {name for name, parameter in alone.named_parameters() if parameter.requires_grad} == {
        name.removeprefix("lstm.") for name in trained if name.startswith("lstm.")
    }
    assert {module.training for module in (*found.modules(), *alone.modules())} == {training}


def test_a_layer_of_a_transformer_stays_one():
    """In evaluation mode it reads the weights of its linear layers itself."""
    torch.manual_seed(0)
    layer, x = nn.TransformerEncoderLayer(H, 2, D, batch_first=True).eval(), torch.randn(3, 5, H)
    found, report = fdht.compress(layer, budget=700)
    assert {part.kind for part in report.layers} == {"HierarchicalTucker"}
    expected = found(x)
    with torch.no_grad():
        torch.testing.assert_close(found(x), expected)


def test_a_model_may_be_a_single_layer():
    layer = linear(H, H, 2).float()
    found, report = fdht.compress(layer, accuracy=1e-3)
    assert isinstance(found, HierarchicalTucker)
    torch.testing.assert_close(found(X[0, :, :H].float()), layer(X[0, :, :H].float()), rtol=1e-4, atol=1e-5)
    assert (report.layers[0].name, report.before) == ("", H * H)


def test_what_cannot_be_replaced_stays():
    """Attention reads the weight of its output layer itself, and FDHT-LSTM has no projection."""
    attention, lstm = nn.MultiheadAttention(H, 2), nn.LSTM(H, H, proj_size=4)
    found, report = fdht.compress(nn.ModuleList([attention, lstm, linear(H, H, 2)]), accuracy=0.1)
    assert [layer.name for layer in report.layers] == ["2"]
    assert type(found[0].out_proj) is type(attention.out_proj)
    assert found[1].proj_size == 4


@pytest.mark.parametrize(
    ("model", "options", "message"),
    [
        (nn.Linear(4, 4), {}, "accuracy is None and budget is None; expected one of them"),
        (nn.Linear(4, 4), {"accuracy": 0.1, "budget": 9}, "accuracy is 0.1 and budget is 9; expected one of them"),
        (nn.Linear(4, 4), {"accuracy": -0.1}, "accuracy is -0.1; expected a number above 0"),
        (nn.Linear(4, 4), {"budget": 0}, "budget is 0; expected an integer of at least 1"),
        (nn.ReLU(), {"accuracy": 0.1}, "model is a ReLU without a torch.nn.Linear or LSTM; expected some"),
    ],
)
def test_bad_requests(model, options, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        fdht.compress(model, **options)
