"""config/reference.yaml: what runs where, with equal search, the paper's shapes on pixels and the authors' recipes."""

from collections import defaultdict

import pytest

from workflow.experiments import grid
from workflow.experiments.configuration_file import load

FEATURES = "efficientnet_lite2"
FORMATS = {"tensor_train", "tensor_ring", "block_term", "hierarchical_tucker", "fully_decomposed"}
FITTED = {"chance", "nearest_neighbour", "linear"}
BOTH = {"random", "group"}


@pytest.fixture(scope="module")
def runs():
    return grid.runs(load("config/reference.yaml"))


@pytest.fixture(scope="module")
def by_model(runs):
    """(front end, model) -> its runs."""
    found = defaultdict(list)
    for run in runs:
        found[run.front_end, run.model].append(run)
    return found


def points(runs):
    return {(run.fold, run.seed) for run in runs}


@pytest.mark.parametrize(
    ("front_end", "rates", "seeds"), [("pixels", 3, 3), (FEATURES, 3, 5), ("pixels", 5, 3), (FEATURES, 5, 3)]
)
def test_every_searched_model_has_the_same_budget_on_all_folds(by_model, front_end, rates, seeds):
    fields = ("search", "epochs", "batch_size", "dropout_input", "dropout_recurrent", "classifier_weight_decay")
    searched = [own for (where, _), own in by_model.items() if where == front_end and own[0].training.search]
    searched = [own for own in searched if not FITTED & {own[0].recurrent["format"]}]
    searched = [own for own in searched if len(own[0].training.candidates) == rates]
    formats = {own[0].recurrent["format"] for own in searched}
    assert formats == FORMATS if (front_end, rates) == ("pixels", 5) else formats > FORMATS
    assert len({str([getattr(own[0].training, name) for name in fields]) for own in searched}) == 1
    for own in searched:
        assert {run.protocol for run in own} == BOTH
        assert points(own) == {(fold, seed) for fold in range(4) for seed in range(seeds)}


def test_a_search_of_five_rates_differs_in_its_rates_and_seeds_alone(by_model):
    wide = {place: own for place, own in by_model.items() if place[1].endswith("_five_rates")}
    assert len(wide) == 16
    for (front_end, model), own in wide.items():
        base = by_model[front_end, model.removesuffix("_five_rates")]
        assert own[0].recurrent == base[0].recurrent
        assert own[0].family == base[0].family
        same = own[0].training.model_copy(update={"search": base[0].training.search})
        assert same == base[0].training


def test_on_features_there_are_four_ranks_of_every_format(by_model):
    shapes = defaultdict(set)
    for (front_end, _), own in by_model.items():
        arguments = own[0].recurrent
        if front_end == FEATURES and arguments["format"] in FORMATS and arguments.get("cell") != "gru":
            counts = own[0].parameters(11)
            shapes[arguments["format"], *arguments["input_modes"]].add(counts["W"])
    assert len(shapes) == 6
    for weights in shapes.values():
        assert len(weights) == 4
        for found, wanted in zip(sorted(weights), (1_100, 1_900, 3_450, 7_900), strict=True):
            assert 0.8 < found / wanted < 1.25


def test_the_share_of_siblings_varies_on_both_front_ends_without_a_search(by_model):
    for front_end in ("pixels", FEATURES):
        fixed = [own for (where, model), own in by_model.items() if where == front_end and model.endswith("_fixed")]
        assert len(fixed) == 4
        assert not any(own[0].training.search for own in fixed)
        for own in [*fixed, by_model[front_end, "nearest_neighbour"]]:
            assert {run.protocol for run in own} >= {f"siblings_{share}" for share in (0, 25, 50, 75, 100)}
            assert {fold for fold, _ in points(own)} == {0, 1, 2, 3}


def test_on_pixels_shapes_and_authors_recipes_are_those_of_the_paper(by_model):
    paper = {(run.front_end, run.model): run for run in grid.runs(load("config/paper.yaml")) if run.dataset == "ucf11"}
    compared = [model for where, model in by_model if where == "pixels" and ("pixels", model) in paper]
    assert len(compared) == 17
    for model in compared:
        own, theirs = by_model["pixels", model], paper["pixels", model]
        assert own[0].recurrent == theirs.recurrent
        if theirs.recipe == "authors":
            shortened = {"epochs": 100} if model == "lstm_authors" else {}
            assert own[0].training == theirs.training.model_copy(update=shortened)
            assert points(own) == {(fold, seed) for fold in (0, 1) for seed in (0, 1)}
