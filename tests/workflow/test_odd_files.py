"""Files that a slip, another program or a bad disk leaves, however odd: one sentence each, never a crash."""

import csv
import json

import numpy as np
import pytest
from projects import TINY

from workflow.datasets.fetch import fetch
from workflow.datasets.source import Source
from workflow.experiments import curves, states
from workflow.experiments import run as runs
from workflow.experiments.configuration import complete, retyped
from workflow.experiments.configuration_file import load
from workflow.reporting.records import read_table
from workflow.storage import arrays, files, seal
from workflow.storage.errors import InputError

DEEP = 100_000 * "[" + 100_000 * "]"


@pytest.fixture
def odd(tmp_path):
    """odd(text): a file that holds it."""

    def write(content: str | bytes):
        path = tmp_path / "odd"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("a: &x [*x]", "line 1: found unconstructable recursive node; correct it"),
        ("name: a\nb: &x {c: [*x]}", "line 2: found unconstructable recursive node; correct it"),
        (f"a: {DEEP}", "nested too deeply; remove it"),
        ("day: 2024-13-45", "line 1: '2024-13-45' is not a valid timestamp; correct it"),
        ("\nday: !!timestamp soon", "line 2: 'soon' is not a valid timestamp; correct it"),
        ("count: !!int ''", "line 1: '' is not a valid int; correct it"),
        ("wanted: !!bool perhaps", "line 1: 'perhaps' is not a valid bool; correct it"),
        (f"count: {5000 * '9'}", "line 1: '9{39} is not a valid int; correct it"),
    ],
)
def test_yaml(odd, text, sentence):
    with pytest.raises(InputError, match=f"^{odd(text)}: not valid YAML: {sentence}"):
        load(odd(text))
    with pytest.raises(InputError, match="/odd: neither JSON nor YAML: "):
        runs.read(str(odd(text)), [0], [0])
    odd(text).rename(odd(text).with_name("specification.yaml"))
    assert states.respecified(odd(text).parent, {"family": "lstm"})


@pytest.mark.parametrize("name", ["2024", "1e3", "no", "nan"])
def test_a_name_that_looks_like_a_number_is_a_name(name):
    config = complete({**TINY, "name": name, "data": name, "datasets": {"demo": {"source": name}}})
    assert (config.name, config.data, config.datasets["demo"].source) == (name, name, name)
    assert complete({**TINY, "datasets": {"demo": {"source": "null"}}}).datasets["demo"].source is None  # of --config


def test_text_that_would_be_a_value_of_another_kind_stays_text():
    assert [retyped(text) for text in ("!!int ''", "&x [*x]", DEEP)] == ["!!int ''", "&x [*x]", DEEP]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [(DEEP, r"not valid JSON \(nested too deeply\)"), ("[1]", "holds a list; expected keys and values")],
)
def test_json(odd, text, sentence):
    with pytest.raises(InputError, match=f"^{odd(text)}: {sentence}"):
        files.read_json(odd(text))
    assert files.known_json(odd(text)) == {}
    assert "is corrupt" in seal.damages(odd(text))[0]
    record = odd(text).rename(odd(text).with_name("result.json"))
    assert states.recorded(record.parent).name == states.DAMAGED
    assert curves.read(record) == []


def test_json_with_half_a_character_is_no_sealed_file(odd):
    text = json.dumps({"a": "\ud800", "seal": ""})
    assert "checksum mismatch" in seal.damages(odd(text))[0]


def test_a_stream_of_metrics_that_is_no_text_has_no_epochs(odd):
    assert curves.read(odd(b'\xff\n{"epoch": 1}')) == [{"epoch": 1}]


def test_csv(odd):
    with pytest.raises(InputError, match=rf"^{odd('')}: not valid CSV: line 2: field larger than"):
        files.read_csv(odd("clip\n" + "x" * (csv.field_size_limit() + 1)), ["clip"])


@pytest.mark.parametrize("content", [b"", b"\xff\n", b'a\n"b'])
def test_a_table(odd, content):
    with pytest.raises(InputError, match=rf"^{odd(content)}: not a CSV file in UTF-8 .*; save it as such"):
        read_table(odd(content))


@pytest.mark.parametrize("content", [b"", b"PK\x05\x06" + bytes(18), b"PK\x03\x04", b"\x80\x04"])
def test_an_array(tmp_path, content):
    (tmp_path / "a.npy").write_bytes(content)
    with pytest.raises(seal.DamagedError, match=r"a\.npy cannot be read .*; delete .*a\.json and rerun"):
        arrays.load_array(tmp_path / "a.json")


def test_an_array_whose_header_is_cut(tmp_path):
    np.save(tmp_path / "a.npy", np.zeros(3))
    content = (tmp_path / "a.npy").read_bytes()
    (tmp_path / "a.npy").write_bytes(content.replace(b"}", b" "))
    with pytest.raises(seal.DamagedError, match=r"a\.npy cannot be read"):
        arrays.load_array(tmp_path / "a.json")


def test_the_list_of_downloads(tmp_path):
    (tmp_path / "lock.json").write_text("[]")
    with pytest.raises(InputError, match=r"lock\.json: holds a list; expected keys and values"):
        fetch([Source("http://localhost/a.zip")], tmp_path, "key")


def test_an_address():
    with pytest.raises(ValueError, match=r"'http://\[::1/x' is not a URL: Invalid IPv6 URL"):
        Source("http://[::1/x")
