"""Impossible declarations: a ValueError that names the argument, the value and the expectation."""

import pytest

import baselines
from baselines import Format

SIZES = {"input_size": 48, "hidden_size": 16}
PAIRED = {"input_modes": [4, 3, 4], "output_modes": [4, 2, 2]}
TT, HT, FD = "tensor_train", "hierarchical_tucker", "fully_decomposed"
MEGA = {"input_modes": [6, 3, 4], "output_modes": [4, 2, 2]}

CASES = [
    ("tensor_trian", {}, "format is 'tensor_trian'; expected one of .*tensor_train"),
    (TT, {**PAIRED}, "format 'tensor_train' requires the parameter 'ranks'"),
    ("block_term", {**PAIRED, "ranks": 5, "blocks": 2, "init": "authors"}, "init is 'authors', .* these parameters"),
    (TT, {**PAIRED, "ranks": 2, "rank": 2}, "unknown parameter 'rank' of format 'tensor_train'; known: .*ranks"),
    (
        TT,
        {**PAIRED, "ranks": 2, "input_modes": [4, 3, 5]},
        r"input_modes \[4, 3, 5\] multiply to 60; expected .* 48",
    ),
    (
        TT,
        {**PAIRED, "ranks": 2, "output_modes": [4, 2, 3]},
        r"output_modes .* multiply to 24; expected hidden_size = 16",
    ),
    (TT, {**PAIRED, "ranks": 2, "output_modes": [4, 4]}, "output_modes .* are 2 modes; expected 3"),
    (TT, {**PAIRED, "ranks": 0}, "ranks is 0; expected an integer of at least 1"),
    (TT, {**PAIRED, "ranks": 2.5}, "ranks is 2.5"),
    (TT, {**PAIRED, "ranks": True}, "ranks is True"),
    (TT, {**PAIRED, "ranks": [2, 9]}, "9 between modes 2 and 3 is above 8"),
    (TT, {**PAIRED, "ranks": [2, 2, 2]}, "3 entries; expected 2"),
    (TT, {**PAIRED, "ranks": [2, 2, 2, 1]}, "begin with 2 .* expected 1"),
    (TT, {**PAIRED, "ranks": 2, "input_modes": "4x3x4"}, "input_modes is '4x3x4'; expected a list of integers"),
    (TT, {**PAIRED, "ranks": 2, "input_modes": []}, r"input_modes is \[\]"),
    (TT, {**PAIRED, "ranks": 2, "input_modes": [4, -3, -4]}, r"input_modes\[1\] is -3"),
    (TT, {**PAIRED, "ranks": 2, "cell": "rnn"}, "cell is 'rnn'; expected one of lstm, gru"),
    (TT, {**PAIRED, "ranks": 2, "cell": "gru", "forget_bias": 1.0}, "forget_bias is 1.0 with cell 'gru'"),
    (TT, {**PAIRED, "ranks": 2, "init": "xavier"}, "init is 'xavier'; expected one of matched, authors"),
    (TT, {**PAIRED, "ranks": 2, "init": "authors", "code": "bt"}, "code is 'bt'; expected one of tt"),
    (TT, {**PAIRED, "ranks": 2, "gate_activation": 3}, "gate_activation is 3; expected one of sigmoid, hard_sigmoid"),
    (TT, {**PAIRED, "ranks": 2, "gain": 0}, "gain is 0; expected a number above 0"),
    (TT, {**PAIRED, "ranks": 2, "hidden_size": 0}, "hidden_size is 0"),
    (TT, {**PAIRED, "ranks": 2, "input_size": "48"}, "input_size is '48'"),
    ("tensor_ring", {**PAIRED, "ranks": 10**9}, "ranks: 1000000000 before mode 1 is above"),
    ("tensor_ring", {**PAIRED, "ranks": [2, 2]}, "2 entries; expected 6"),
    ("block_term", {**PAIRED, "ranks": 70, "blocks": 2}, "ranks: 70 of modes 1 is above 64"),
    ("block_term", {**PAIRED, "ranks": 2, "blocks": 0}, "blocks is 0"),
    (HT, {**PAIRED, "ranks": 2, "tree": "bushy"}, "tree is 'bushy'; expected balanced, left, right"),
    (HT, {**PAIRED, "ranks": 2, "tree": [1, 2, 3]}, "is not binary: .* has 3 branches"),
    (HT, {**PAIRED, "ranks": 2, "tree": [1, 2]}, r"has the modes \[1, 2\]; expected each of 1..3 once"),
    (HT, {**PAIRED, "ranks": 2, "tree": [[1, 2], 2]}, r"has the modes \[1, 2, 2\]"),
    (HT, {**PAIRED, "ranks": 2, "tree": [[1, 2], "3"]}, "tree: a mode is '3'"),
    (HT, {**PAIRED, "ranks": [2, 7, 2, 2]}, r"rank 7 of node \{2\} is above 6"),
    (HT, {**PAIRED, "ranks": [2, 2, 2]}, "3 entries; expected 4"),
    (HT, {**PAIRED, "ranks": {"1": 2, "2": 2, "3": 2}}, "ranks is {'1': 2, .* expected an integer"),
    (HT, {**PAIRED, "ranks": 2, "leaf_rank": 2}, "ranks is 2 and leaf_rank or inner_rank is given"),
    (HT, {**PAIRED, "inner_rank": 2}, "inner_rank is 2 without leaf_rank"),
    (HT, {**PAIRED}, "ranks is missing"),
    (HT, {"input_modes": [48], "output_modes": [16], "ranks": 1}, "needs at least 2 modes"),
    (HT, {**PAIRED, "ranks": 2, "init": "authors"}, "init is 'authors', .* expected 'matched'"),
    (
        FD,
        {**MEGA, "ranks": 2, "input_modes": [4, 3, 4]},
        r"multiply to 48; expected input_size \+ hidden_size = 48 \+ 16",
    ),
    (
        FD,
        {**MEGA, "ranks": 2, "input_modes": [9, 3, 4]},
        r"multiply to 108; expected .* = 64, or whole .* \(6, 3, 4\)",
    ),
    (FD, {**MEGA, "ranks": 2, "output_modes": [4, 2, 4]}, "output_modes .* expected hidden_size = 16"),
]


@pytest.mark.parametrize(("name", "arguments", "message"), CASES, ids=range(len(CASES)))
def test_impossible_declarations_are_errors(name, arguments, message):
    with pytest.raises(ValueError, match=message):
        baselines.declare(name, **{**SIZES, **arguments})


def test_a_mistake_in_a_format_names_its_file_and_line(monkeypatch):
    def declare(input_size, hidden_size, rank):
        return len(rank)

    monkeypatch.setitem(baselines.FORMATS, "own", Format("own", __name__, declare))
    line = declare.__code__.co_firstlineno + 1
    with pytest.raises(
        ValueError, match=rf"format 'own' fails .*object of type .int. has no len.* \(test_bad_input.py, line {line}\)"
    ):
        baselines.declare("own", **SIZES, rank=2)


def test_a_new_format_needs_no_authors_initialisation(monkeypatch):
    network = baselines.declare(TT, **SIZES, **PAIRED, ranks=2).W
    own = Format("own", __name__, lambda input_size, hidden_size: network)
    monkeypatch.setitem(baselines.FORMATS, "own", own)
    assert baselines.declare("own", **SIZES).parameters()["W"] == network.weights
    with pytest.raises(ValueError, match="init is 'authors', but the authors of 'own'"):
        baselines.declare("own", **SIZES, init="authors")


def test_a_classifier_fitted_at_once_has_no_recurrent_layer():
    with pytest.raises(ValueError, match="'chance' is fitted in one call; expected a recurrent layer"):
        baselines.build("chance", input_size=48)
