"""Every count of the literature that the project relies on comes out exactly. Weights only, no bias."""

import math
from pathlib import Path

import pytest

import baselines
from workflow.experiments import grid
from workflow.experiments.configuration_file import load
from workflow.experiments.run import Run

PIXELS = {"input_size": 57600, "hidden_size": 256}
FEATURES = {"input_size": 2048, "hidden_size": 2048}
UCF11 = {"input_modes": [8, 20, 20, 18], "output_modes": [4, 4, 4, 4], "ranks": 4}
CELEBRITIES = {**UCF11, "input_modes": [4, 20, 20, 36]}
HT_TREE = [[1, 2], [3, [4, 5]]]
HT = {"input_modes": [8, 10, 10, 9, 8], "output_modes": [4, 4, 2, 4, 2], "tree": HT_TREE}
TR_PIXELS = {"input_modes": [4, 2, 5, 8, 6, 5, 3, 2], "output_modes": [4, 4, 2, 4, 2], "ranks": 5}
TR_FEATURES = {"input_modes": [64, 32], "output_modes": [32, 64], "ranks": [40, 60, 48, 48]}
FDHT = {"input_modes": [16, 16, 16], "output_modes": [8, 16, 16], "leaf_rank": 3, "inner_rank": 5}

COUNTS = {
    "dense LSTM on pixels: 57,600 x 1,024": ("dense", PIXELS, {}, 58_982_400, 262_144),
    "TT-LSTM on UCF11: 17,554x fewer": ("tensor_train", PIXELS, UCF11, 3_360, 262_144),
    "TT-GRU on UCF11": ("tensor_train", PIXELS, {**UCF11, "cell": "gru"}, 3_232, 196_608),
    "TT-LSTM on YouTube Celebrities and HMDB51: 17,389x": ("tensor_train", PIXELS, CELEBRITIES, 3_392, 262_144),
    "TT-GRU on YouTube Celebrities and HMDB51": (
        "tensor_train",
        PIXELS,
        {**CELEBRITIES, "cell": "gru"},
        3_328,
        196_608,
    ),
    "BT-LSTM on UCF11: 17,388x in its abstract": ("block_term", PIXELS, {**UCF11, "blocks": 2}, 3_392, 262_144),
    "HT-LSTM on UCF11: 47,375x": (
        "hierarchical_tucker",
        PIXELS,
        {**HT, "leaf_rank": 4, "inner_rank": 5},
        1_245,
        262_144,
    ),
    "HT-LSTM on YouTube Celebrities: 72,818x": ("hierarchical_tucker", PIXELS, {**HT, "ranks": 3}, 810, 262_144),
    "TR-LSTM on pixels, our reconstruction": ("tensor_ring", PIXELS, TR_PIXELS, 1_575, 262_144),
    "dense LSTM on CNN features: 2,048 x 8,192": ("dense", FEATURES, {}, 16_777_216, 16_777_216),
    "TR-LSTM on CNN features: 25.28x": ("tensor_ring", FEATURES, TR_FEATURES, 663_552, 16_777_216),
    "FDHT-LSTM on CNN features: 3,132 in all": ("fully_decomposed", FEATURES, FDHT, 3_132, 0),
}

# W + U on pixels and on features of UCF11, as the comments of the configurations state them
ABLATION = {
    "fdht_lstm": (3_856, 3_132),
    "fdht_lstm_deep": (3_648, 3_088),
    "separate_lstm": (3_854, 3_120),
    "per_gate_lstm": (3_856, 3_084),
    "fdtt_lstm": (3_936, 3_328),
    "ht_lstm": (3_600 + 262_144, 2_364 + 16_777_216),
}
PAPER = {
    "fdht_lstm_deep": (3_648, 3_088),
    "gru": (44_236_800 + 196_608, 12_582_912 + 12_582_912),
    "tt_gru": (3_232 + 196_608, 2_496 + 12_582_912),
    "fdht_gru": (3_472, 2_748),
}


@pytest.mark.parametrize(("name", "expected"), [("ablation", ABLATION), ("paper", PAPER)])
def test_weights_of_the_configurations(name, expected):
    config = load(f"config/{name}.yaml")
    for model, weights in expected.items():
        found = []
        for front_end in ("pixels", "inception_v3"):
            counts = Run.model_construct(**grid.shared_by_runs(config, "ucf11", front_end, model)).parameters(11)
            found.append(counts["W"] + counts["U"])
        assert tuple(found) == weights, model


# W and U on 1,280 features, as docs/recipes.md has them
FEATURES_1280 = {
    "lstm": (1_310_720, 262_144),
    "tt_lstm": (3_472, 262_144),
    "tr_lstm": (3_381, 262_144),
    "bt_lstm": (3_610, 262_144),
    "ht_lstm": (3_264, 262_144),
    "fdht_lstm": (3_392, 0),
    "fdht_lstm_deep": (3_424, 0),
    "separate_lstm": (2_268, 1_110),
    "per_gate_lstm": (3_396, 0),
    "fdtt_lstm": (3_360, 0),
    "gru": (983_040, 196_608),
    "tt_gru": (3_372, 196_608),
    "fdht_gru": (3_200, 0),
}


def test_weights_on_1280_features():
    config = load("config/reference.yaml")
    recipes = Path("docs/recipes.md").read_text(encoding="utf-8")
    for model, (W, U) in FEATURES_1280.items():
        run = Run.model_construct(**grid.shared_by_runs(config, "ucf11", "efficientnet_lite2", model))
        counts = run.parameters(11)
        assert (counts["W"], counts["U"], run.recurrent["input_size"]) == (W, U, 1280), model
        row = next(line for line in recipes.splitlines() if line.startswith(f"| {model} |") and line.count("|") == 6)
        assert row.endswith(f"| {W:,} | {U:,} | {W + U:,} |")


def test_on_features_every_format_stores_nearly_as_much_as_fdht():
    of_fdht = FEATURES_1280["fdht_lstm"][0]
    for model in ("tt_lstm", "tr_lstm", "bt_lstm", "ht_lstm", "fdht_lstm_deep"):
        assert 0.96 < FEATURES_1280[model][0] / of_fdht < 1.07
    for model in ("separate_lstm", "per_gate_lstm", "fdtt_lstm"):
        assert 0.99 < sum(FEATURES_1280[model]) / of_fdht < 1.01


def test_on_features_x_fills_whole_slices_of_the_first_mode_and_h_the_last():
    config = load("config/reference.yaml")
    for model in ("fdht_lstm", "fdht_lstm_deep", "fdht_gru"):
        shape = grid.shared_by_runs(config, "ucf11", "efficientnet_lite2", model)["recurrent"]
        first, *rest = shape["input_modes"]
        assert (first - 1) * math.prod(rest) == 1280
        assert math.prod(rest) == shape["hidden_size"]


def test_fully_decomposed_alternatives_store_nearly_as_much_as_fdht():
    for model in ("separate_lstm", "per_gate_lstm", "fdtt_lstm"):
        for found, of_fdht in zip(ABLATION[model], ABLATION["fdht_lstm"], strict=True):
            assert 0.98 < found / of_fdht < 1.07


@pytest.mark.parametrize("fact", COUNTS)
def test_count(fact):
    name, sizes, parameters, W, U = COUNTS[fact]
    counts = baselines.declare(name, **sizes, **parameters).parameters()
    gates = 3 if parameters.get("cell") == "gru" else 4
    assert counts == {"W": W, "U": U, "bias": gates * sizes["hidden_size"]}


RATIOS = {
    "TT-LSTM on UCF11": (58_982_400, 3_360, 17_554),
    "BT-LSTM on UCF11": (58_982_400, 3_392, 17_388),
    "HT-LSTM on UCF11": (58_982_400, 1_245, 47_375),
    "HT-LSTM on YouTube Celebrities": (58_982_400, 810, 72_818),
    "FDHT-LSTM on CNN features": (2 * 16_777_216, 3_132, 10_713),
}


@pytest.mark.parametrize("fact", RATIOS)
def test_published_ratio(fact):
    dense, compressed, ratio = RATIOS[fact]
    assert abs(dense / compressed - ratio) < 1  # some authors round, some truncate


def test_module_holds_what_the_declaration_counts():
    for name, sizes, parameters, W, U in COUNTS.values():
        if name != "dense" and W + U < 1_000_000:
            layer = baselines.build(name, **sizes, **parameters)
            assert layer.weight_parameters() == baselines.declare(name, **sizes, **parameters).parameters()
            assert sum(p.numel() for p in layer.parameters()) == W + U + layer.bias.numel()


def test_complexity_counts_the_dense_layer_by_hand():
    complexity = baselines.declare("dense", **PIXELS).complexity()
    assert complexity["weights"] == complexity["multiply_adds"] == 57600 * 1024 + 256 * 1024
    assert complexity["peak"] == 1024


def test_complexity_counts_a_tensor_train_by_hand():
    declared = baselines.declare("tensor_train", **PIXELS, **UCF11)
    complexity = declared.complexity()
    # From the last core on: n3 x (n4 -> r m4), then r n3 -> r m3, r n2 -> r m2, r n1 -> m1, plus the dense U.
    sweep = (
        8 * 20 * 20 * 18 * 4 * 4 + 8 * 20 * (20 * 4) * 4 * (4 * 4) + 8 * (20 * 4) * 4 * (4 * 4 * 4) + 8 * 4 * 16 * 64
    )
    assert complexity["multiply_adds"] == sweep + 4 * 256 * 256
    assert complexity["peak"] == 8 * 20 * 20 * 4 * 4
    assert complexity["weights"] == 3_360 + 262_144
    assert complexity["formula"]
