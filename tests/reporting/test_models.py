"""What a model is: read from the keys family and recipe, never from its name."""

import pytest
import yaml
from synthetic_records import SHAPES, record, write_run

from fdht.mega import GATES
from workflow.reporting import models, tables
from workflow.reporting.drawing import panels
from workflow.reporting.results import gather
from workflow.reporting.tables import claims
from workflow.storage.errors import InputError


def written(root, **families):
    """Results with a run of each model; families: its family, or (family, recipe)."""
    for model, entry in families.items():
        family, recipe = entry if isinstance(entry, tuple) else (entry, "ours")
        write_run(root, record(model, family=family, recipe=recipe), extras=False)
    return gather(root)


def test_a_model_of_its_own_family_has_its_own_name(tmp_path):
    results = written(tmp_path, lstm_big="lstm_big", lstm="lstm")
    assert models.label(results, "lstm_big") == "lstm big"
    assert models.kind(results, "lstm_big") == "compressed"  # its format is unknown
    assert models.get(results, "lstm_big") == ("lstm_big", "ours")


def test_a_variant_is_called_as_its_family_with_its_recipe_or_its_name(tmp_path):
    found = {"tt_lstm": "tt_lstm", "mine": "tt_lstm", "theirs": ("tt_lstm", "authors"), "fdht_lstm_deep": "fdht_lstm"}
    results = written(tmp_path, **found)
    labels = ["TT-LSTM", "TT-LSTM (mine)", "TT-LSTM (authors' recipe)", "FDHT-LSTM (deep)"]
    assert [models.label(results, model) for model in found] == labels
    assert models.kind(results, "mine") == "compressed"
    assert models.kind(results, "fdht_lstm_deep") == "fdht"


def test_two_variants_with_one_recipe_have_two_names(tmp_path):
    results = written(tmp_path, one=("tt_lstm", "authors"), two=("tt_lstm", "authors"))
    assert models.label(results, "one") == "TT-LSTM (authors' recipe, one)"
    assert models.label(results, "two") == "TT-LSTM (authors' recipe, two)"


def test_rivals_are_the_compressed_models_with_the_same_recipe(tmp_path):
    names = {name: name for name in ("chance", "lstm", "tt_lstm", "fdht_lstm")}
    results = written(tmp_path, **names, mine="ht_lstm", theirs=("tt_lstm", "authors"))
    assert models.rivals(results, "demo", "pixels", "fdht_lstm") == ["tt_lstm", "mine"]


def specified(root, model, protocol="group", ranks=8, rate=0.001):
    """A run of FDHT-LSTM with its specification."""
    folder = write_run(root, record(model, protocol, family="fdht_lstm"))
    recurrent = {**SHAPES["fdht_lstm"], "ranks": ranks, "hidden_size": 256, "input_size": 57600}
    (folder / "specification.yaml").write_text(
        yaml.safe_dump({"recurrent": recurrent, "training": {"learning_rate": rate}})
    )


def test_models_that_differ_in_ranks_alone_are_compared_by_their_first(tmp_path):
    for protocol in ("random", "group"):
        specified(tmp_path, "fdht_lstm", protocol)
        specified(tmp_path, "fdht_lstm_rank_3", protocol, ranks=3)
        specified(tmp_path, "fdht_lstm_slow", protocol, rate=0.0001)
        write_run(tmp_path, record("tt_lstm", protocol))
    specified(tmp_path, "fdht_lstm_rank_3", "siblings_50", ranks=3)  # the only one of its protocol
    results = gather(tmp_path)
    kept = {"fdht_lstm", "fdht_lstm_slow", "tt_lstm"}
    found = models.compared(results)
    assert {(row.model, row.protocol) for row in found.itertuples()} == {
        *((model, protocol) for model in kept for protocol in ("random", "group")),
        ("fdht_lstm_rank_3", "siblings_50"),
    }
    assert set(claims.build(results)["model"]) == {"fdht_lstm", "fdht_lstm_slow"}
    assert set(panels.accuracies(results)["model"]) == kept
    assert set(panels.accuracies(results, every=True)["model"]) == {*kept, "fdht_lstm_rank_3"}


def test_rivals_share_a_protocol(tmp_path):
    for model in ("fdht_lstm", "tt_lstm"):
        write_run(tmp_path, record(model))
    for model in ("fdht_lstm_fixed", "ht_lstm_fixed"):
        write_run(tmp_path, record(model, "siblings_50"))
    results = gather(tmp_path)
    assert models.rivals(results, "demo", "pixels", "fdht_lstm") == ["tt_lstm"]
    assert models.rivals(results, "demo", "pixels", "fdht_lstm_fixed") == ["ht_lstm_fixed"]


def test_protocols_of_siblings_do_not_decide_which_accuracy_the_others_show(tmp_path):
    write_run(tmp_path, record("tt_lstm"))
    write_run(tmp_path, record("tt_lstm", "siblings_50", test_accuracy=None))
    results = gather(tmp_path)
    assert results.shown("demo", "pixels") == "test_accuracy"
    assert results.shown("demo", "pixels", siblings=True) == "final_epoch_accuracy"
    assert set(panels.accuracies(results)["protocol"]) == {"group"}


@pytest.mark.parametrize(("shape", "kind"), [("lstm", "dense"), ("tr_lstm", "compressed"), ("fdht_lstm", "fdht")])
def test_a_family_that_the_layout_does_not_know_is_what_its_format_is(tmp_path, shape, kind):
    folder = write_run(tmp_path, record("mine", family="mine"))
    text = yaml.safe_dump({"recurrent": {**SHAPES[shape], "hidden_size": 256, "input_size": 57600}})
    (folder / "specification.yaml").write_text(text)
    assert models.kind(gather(tmp_path), "mine") == kind


def test_a_naive_model_that_the_layout_does_not_know_is_a_baseline(tmp_path):
    folder = write_run(tmp_path, record("mine", family="mine"))
    (folder / "specification.yaml").write_text("recurrent: {format: linear, input_size: 57600}")
    assert models.kind(gather(tmp_path), "mine") == "baseline"
    (folder / "specification.yaml").write_text("[")
    with pytest.raises(InputError, match=r"specification\.yaml: not valid YAML"):
        models.kind(gather(tmp_path), "mine")


def test_a_gru_is_compared_with_no_lstm(tmp_path):
    results = gather(None, "config/paper.yaml")
    assert {name for name in results.config.models if models.kind(results, name) == "gru"} == {
        "gru",
        "tt_gru",
        "fdht_gru",
    }
    assert set(models.rivals(results, "ucf11", "pixels", "fdht_lstm")) == {"tt_lstm", "tr_lstm", "bt_lstm", "ht_lstm"}
    assert set(claims.build(results)["model"]) == {"fdht_lstm", "fdht_lstm_deep"}
    folder = write_run(tmp_path, record("mine", family="mine"))
    text = yaml.safe_dump(
        {"recurrent": {**SHAPES["fdht_lstm"], "cell": "gru", "hidden_size": 256, "input_size": 57600}}
    )
    (folder / "specification.yaml").write_text(text)
    assert models.kind(gather(tmp_path), "mine") == "gru"


def test_the_configuration_decides_before_the_records(tmp_path):
    write_run(tmp_path, record("mine", family="lstm"), extras=False)
    model = {"format": "dense", "family": "tt_lstm", "recipe": "authors", "hidden_size": 8}
    config = {"name": "x", "datasets": {"demo": {}}, "models": {"mine": model}}
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(config))
    assert models.get(gather(tmp_path), "mine") == ("tt_lstm", "authors")


@pytest.mark.parametrize("cell", ["lstm", "gru", "two_gates"])
def test_the_dense_layer_has_the_gates_of_the_cell(tmp_path, monkeypatch, cell):
    monkeypatch.setitem(GATES, "two_gates", 2)
    folder = write_run(tmp_path, record("mine", family="mine"))
    text = yaml.safe_dump({"recurrent": {"format": "dense", "cell": cell, "hidden_size": 5, "input_size": 7}})
    (folder / "specification.yaml").write_text(text)
    dense = models.dense_counts(gather(tmp_path), "demo", "pixels", "mine")
    assert dense == {"W": GATES[cell] * 35, "U": GATES[cell] * 25, "weights": GATES[cell] * 60}


@pytest.mark.parametrize("newer", [{"mixing": 2}, {"cell": "mgu"}, {"init": "other"}, {"format": "newer"}, {1: 2}])
def test_a_model_of_other_code_has_the_counts_of_its_records(tmp_path, newer):
    folder = write_run(tmp_path, record("tt_lstm", fold=0))
    write_run(tmp_path, record("lstm", fold=0))
    specification = yaml.safe_load((folder / "specification.yaml").read_text())
    specification["recurrent"] |= newer
    (folder / "specification.yaml").write_text(yaml.safe_dump(specification))
    results = gather(tmp_path)
    tables.write(results, tmp_path / "tables", list(tables.TABLES))
    assert models.counts(results, "demo", "pixels", "tt_lstm")["weights"] == 3360 + 262_144
    assert models.declaration(results, "demo", "pixels", "tt_lstm") is None
