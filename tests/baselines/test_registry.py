"""The registry of formats: a new format is one new file."""

import pytest

import baselines
from baselines._format import find

OWN = """
from fdht.network import Core, Network


def declare(input_size, hidden_size, rank, cell="lstm"):
    rows = 4 * hidden_size
    left, right = Core("left", ("m1", "r"), (rows, rank)), Core("right", ("r", "n1"), (rank, input_size))
    return Network((input_size,), (rows,), (left, right))
"""


@pytest.fixture
def low_rank(tmp_path, monkeypatch):
    """A format in a file of its own, registered as the files of `baselines` are."""
    package = tmp_path / "own_formats"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "_helper.py").write_text("raise RuntimeError('no format')")
    (package / "notes.py").write_text("TEXT = 'defines no declare'")
    (package / "low_rank.py").write_text(OWN)
    monkeypatch.syspath_prepend(tmp_path)
    found = find("own_formats")
    assert list(found) == ["low_rank"]
    monkeypatch.setitem(baselines.FORMATS, "low_rank", found["low_rank"])
    return found["low_rank"]


def test_a_new_file_is_a_format_that_can_be_declared_and_built(low_rank):
    assert (low_rank.module, low_rank.fitted, low_rank.naive) == ("own_formats.low_rank", False, False)
    arguments = {"input_size": 6, "hidden_size": 2, "rank": 1}
    declared = baselines.declare("low_rank", **arguments)
    assert declared.parameters() == {"W": 8 + 6, "U": 8 * 2, "bias": 8}
    assert baselines.build("low_rank", **arguments).weight_parameters() == declared.parameters()
    with pytest.raises(ValueError, match="format 'low_rank' requires the parameter 'rank'"):
        baselines.declare("low_rank", input_size=6, hidden_size=2)


def test_fdht_is_declared_by_fdht():
    assert baselines.FORMATS["fully_decomposed"].module == "fdht.mega"
