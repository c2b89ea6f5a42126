"""Impossible declarations: a ValueError that names the argument, the value and the expectation."""

from math import inf, nan

import pytest

import baselines
from baselines import Format
from fdht.mega import fully_decomposed
from fdht.network import Core, Network

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
    (TT, {**PAIRED, "ranks": [1, 2, 2, 1]}, "4 entries; expected 2, between neighbouring modes"),
    (TT, {**PAIRED, "ranks": 2, "input_modes": "4x3x4"}, "input_modes is '4x3x4'; expected a list of integers"),
    (TT, {**PAIRED, "ranks": 2, "input_modes": []}, r"input_modes is \[\]"),
    (TT, {**PAIRED, "ranks": 2, "input_modes": [4, -3, -4]}, r"input_modes\[1\] is -3"),
    (TT, {**PAIRED, "ranks": 2, "cell": "rnn"}, "cell is 'rnn'; expected one of lstm, gru"),
    (TT, {**PAIRED, "ranks": 2, "cell": "gru", "forget_bias": 1.0}, "forget_bias is 1.0 with cell 'gru'"),
    (TT, {**PAIRED, "ranks": 2, "init": "xavier"}, "init is 'xavier'; expected one of matched, authors"),
    (TT, {**PAIRED, "ranks": 2, "init": "authors", "code": "bt"}, "code is 'bt'; expected one of tt"),
    (TT, {**PAIRED, "ranks": 2, "gate_activation": 3}, "gate_activation is 3; expected one of sigmoid, hard_sigmoid"),
    (TT, {**PAIRED, "ranks": 2, "gain": 0}, "gain is 0; expected a number above 0"),
    *(
        (TT, {**PAIRED, "ranks": 2, "gain": gain}, "gain is .*; expected a finite number")
        for gain in (nan, inf, "1", True)
    ),
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


NETWORK = baselines.declare(TT, **SIZES, **PAIRED, ranks=2).W


def core(name="A", indices=("m1", "r"), shape=(64, 2), **options):
    return Core(name, indices, shape, **options)


def low_rank(*first, input_modes=(48,)):
    """A matrix of rank 2, 64 x 48, with other first cores."""
    return Network(input_modes, (64,), (*(first or (core(),)), core("B", ("r", "n1"), (2, 48))))


@pytest.mark.parametrize(
    ("declare", "message"),
    [
        (
            lambda: low_rank(core(indices=("m1", "R"))),
            r"core 'A': index 'R' is neither a mode \(n1, m1\) nor a bond of two cores",
        ),
        (lambda: low_rank(core(shape=(64, 3))), "core 'A': index 'r' has the size 3; expected 2, as elsewhere"),
        (lambda: low_rank(core(shape=(32, 2))), "core 'A': index 'm1' has the size 32; expected 64"),
        (lambda: low_rank(input_modes=(48, 1)), "no core has the index 'n2'; expected a core for each of n1, n2, m1"),
        (
            lambda: low_rank(core(indices=("m1", "r", "m2"), shape=(64, 2, 4)), core("C", ("m2",), (4,))),
            "'m2' is neither a mode",
        ),
        (lambda: low_rank(core("B")), "two cores are named 'B'; expected a name for each"),
        (
            lambda: low_rank(core("keys")),
            "core 'keys': expected a name of letters, digits and _ that is no method of dict",
        ),
        (lambda: low_rank(core("a.b")), r"core 'a\.b': expected a name of letters, digits and _"),
        (lambda: low_rank(core(indices="mr")), "core 'A': its indices are 'mr'; expected a tuple of different names"),
        (lambda: low_rank(core(indices=("m1", "r", "r"))), r"core 'A': its indices are \('m1', 'r', 'r'\); expected"),
        (
            lambda: low_rank(core(shape=(64,))),
            r"core 'A': its indices \('m1', 'r'\) .* \(64,\); expected a size for each",
        ),
        (lambda: low_rank(core(shape=(64, 2.5))), r"shape of core 'A'\[1\] is 2.5; expected an integer"),
        (lambda: low_rank(core(shape=(64, 2), identity=True)), "core 'A': .* expected two equal sizes"),
        (lambda: None, "format 'own' returns a NoneType; expected Network, "),
        (lambda: (NETWORK, NETWORK, NETWORK), "format 'own' returns a tuple; expected Network, "),
        (lambda: {}["rank"], r"format 'own' fails with these parameters: 'rank' \(test_bad_input.py, line \d+\)"),
        (
            lambda: baselines.declare("dense", input_size=47, hidden_size=16).W,
            r"declares W with the shape \(64, 47\); expected \(64, 48\)",
        ),
        (
            lambda: baselines.declare("dense", **SIZES, cell="gru").W,
            r"declares W with the shape \(48, 48\); expected \(64, 48\)",
        ),
        (lambda: (NETWORK, NETWORK), r"declares U with the shape \(64, 48\); expected \(64, 16\)"),
        (
            lambda: (NETWORK, fully_decomposed(48, 16, ranks=2)[1]),
            r"declares W with the shape \(64, 48\); expected \(64, ",
        ),
    ],
)
def test_a_wrong_declaration_names_the_core_and_the_index(monkeypatch, declare, message):
    monkeypatch.setitem(baselines.FORMATS, "own", Format("own", __name__, lambda input_size, hidden_size: declare()))
    with pytest.raises(ValueError, match=message):
        baselines.declare("own", **SIZES)


def test_lists_declare_what_tuples_declare():
    cores = [Core("A", ["m1", "r"], [64, 2]), Core("B", ["r", "n1"], [2, 48])]
    assert Network([48], [64], cores) == low_rank()
    assert hash(Network([48], [64], cores)) == hash(low_rank())


def test_no_core_has_the_name_of_an_attribute_of_its_container():
    from fdht.maps import TensorMap

    with pytest.raises(ValueError, match="core 'half': expected a name that is no attribute of torch"):
        TensorMap(low_rank(core("half")))


def test_a_new_format_needs_no_authors_initialisation(monkeypatch):
    own = Format("own", __name__, lambda input_size, hidden_size: NETWORK)
    monkeypatch.setitem(baselines.FORMATS, "own", own)
    assert baselines.declare("own", **SIZES).parameters()["W"] == NETWORK.weights
    with pytest.raises(ValueError, match="init is 'authors', but the authors of 'own'"):
        baselines.declare("own", **SIZES, init="authors")


def test_a_classifier_fitted_at_once_has_no_recurrent_layer():
    with pytest.raises(ValueError, match="'chance' is fitted in one call; expected a recurrent layer"):
        baselines.build("chance", input_size=48)
