"""Protocol, recipe, search or format: differences with intervals."""

import dataclasses
import gc
import json
import shutil
import weakref

import numpy as np
import pytest
import yaml
from scipy import stats
from synthetic_records import SHAPES, record, write_run

from workflow.commands import reference
from workflow.experiments import curves
from workflow.reporting import models
from workflow.reporting.figures import FIGURES
from workflow.reporting.paper import macros
from workflow.reporting.records import ACCURACIES
from workflow.reporting.results import gather
from workflow.reporting.statistics import compare
from workflow.reporting.tables import TABLES, factors


def write(root, family, recipe, protocol, fold, value, **other):
    """A run of a family's model, whose name does not hold the recipe."""
    model = family if recipe == "ours" else f"{family}_again"
    values = {"family": family, "recipe": recipe, "test_accuracy": value}
    values |= {"final_epoch_accuracy": value, "best_epoch_accuracy": value}
    return write_run(root, record(model, protocol, fold, **values | other))


@pytest.fixture(scope="module")
def crossed(tmp_path_factory):
    """Accuracy = 0.3, + 0.2 under random, + 0.1 with our recipe, + 0.04 for TR, + something of each fold."""
    root = tmp_path_factory.mktemp("crossed")
    for base, format_gain in (("lstm", 0.0), ("tr_lstm", 0.04)):
        for recipe, recipe_gain in (("ours", 0.1), ("authors", 0.0)):
            for protocol, protocol_gain in (("group", 0.0), ("random", 0.2)):
                for fold, noise in enumerate((0.0, 0.06, -0.03)):
                    value = 0.3 + format_gain + recipe_gain + protocol_gain + noise
                    write(root, base, recipe, protocol, fold, round(value, 4))
    return gather(root)


def test_effects_that_were_put_in_come_out(crossed):
    table = factors.build(crossed)
    table = table[table["measure"] == "test_accuracy"].set_index(["factor", "protocol"])
    gains = {("protocol", ""): 0.2, ("recipe", "group"): 0.1, ("recipe", "random"): 0.1}
    gains |= {("format", protocol): 0.04 for protocol in factors.PROTOCOLS}
    assert table["difference"].to_dict() == pytest.approx(gains)
    assert set(table["folds"]) == {3}
    within = table.loc[["recipe", "format"]]  # what all models of a fold have in common cancels in pairs
    assert (within["high"] - within["low"]).max() < 1e-9
    fold = np.std([0.0, 0.06, -0.03], ddof=1) * np.sqrt(1 / 3 + 1 / 2)  # but not between protocols
    half = stats.t.ppf(0.975, 4) * fold * np.sqrt(2)
    assert table.loc[("protocol", ""), "high"] == pytest.approx(0.2 + half)


def test_no_model_with_our_recipe_has_no_mean_over_our_recipe(tmp_path):
    for protocol in factors.PROTOCOLS:
        write(tmp_path, "lstm", "authors", protocol, 0, 0.5)
    results = gather(tmp_path)
    assert factors.build(results).empty
    assert macros.differences(results, "protocol") == ""


def test_siblings_in_training_are_compared_fold_by_fold(tmp_path):
    """Accuracy = 0.3, + 0.2 with siblings of all test clips, + something of each fold and model, which cancels."""
    for model, own in (("tt_lstm", 0.0), ("ht_lstm", 0.05)):
        for protocol, gain in (("siblings_0", 0.0), ("siblings_50", 0.07), ("siblings_100", 0.2)):
            for fold, noise in enumerate((0.0, 0.06, -0.03)):
                write(tmp_path, model, "ours", protocol, fold, round(0.3 + own + gain + noise, 4))
    write(tmp_path, "tr_lstm", "ours", "siblings_100", 0, 0.9)  # without the other end
    found = gather(tmp_path)
    table = factors.build(found)
    assert set(table["factor"]) == {"siblings"}
    assert set(table["first"]) == {"tt_lstm ht_lstm"}
    assert table["difference"].tolist() == pytest.approx([0.2] * len(ACCURACIES))
    assert (table["high"] - table["low"]).max() < 1e-9
    sheet = TABLES["factors"].printed(found)[0]
    assert [(title, rows[0][0].text) for title, rows in sheet.blocks] == [("Siblings: mean of 2 models", "100 % − 0 %")]
    assert factors.NOTES["siblings"] in sheet.notes


def test_a_search_of_other_values_is_compared_with_the_first(tmp_path):
    """A wider search gains 0.02; a smaller shape, another setting and a fixed rate are no other search."""
    wide = {"search": {"learning_rate": [0.001, 0.003, 0.01]}}
    tried = {
        "fdht_lstm": (0.5, {}, {"search": {"learning_rate": [0.001, 0.003]}}),
        "fdht_lstm_wide": (0.52, {}, wide),
        "fdht_lstm_rank_3": (0.4, {"ranks": 3}, wide),
        "fdht_lstm_dropout": (0.3, {}, {**wide, "dropout_input": 0.5}),
        "fdht_lstm_fixed": (0.2, {}, {"search": {}}),
    }
    for model, (value, changes, training) in tried.items():
        for fold, noise in enumerate((0.0, 0.06)):
            accuracies = dict.fromkeys(ACCURACIES, value + noise)
            folder = write_run(tmp_path, record(model, "group", fold, family="fdht_lstm", **accuracies))
            recurrent = {**SHAPES["fdht_lstm"], "hidden_size": 256, "input_size": 57600, **changes}
            text = yaml.safe_dump({"recurrent": recurrent, "training": training})
            (folder / "specification.yaml").write_text(text)
    found = gather(tmp_path)
    assert factors.searches(found, "demo", "pixels") == {"fdht_lstm_wide": "fdht_lstm"}
    rows = factors.build(found)
    rows = rows[rows["factor"] == "search"]
    assert set(zip(rows["protocol"], rows["first"], rows["second"], strict=True)) == {
        ("group", "fdht_lstm_wide", "fdht_lstm")
    }
    assert rows["difference"].tolist() == pytest.approx([0.02] * len(ACCURACIES))
    assert set(models.compared(found)["model"]) == {"fdht_lstm", "fdht_lstm_dropout", "fdht_lstm_fixed"}
    (sheet, *_) = TABLES["factors"].printed(found)
    assert [(title, rows[0][0].text) for title, rows in sheet.blocks] == [
        ("Search of other values minus the first search, protocol group", "FDHT-LSTM (wide)")
    ]
    assert factors.NOTES["search"] in sheet.notes


def test_each_format_with_our_recipe_is_compared_with_the_dense_lstm(results):
    table = factors.build(results)
    assert set(table["factor"]) == {"protocol", "format"}  # the authors' recipes were not run
    formats = table[table["factor"] == "format"]
    assert set(formats["second"]) == {"lstm"}
    assert set(formats["first"]) == {"tt_lstm", "tr_lstm", "bt_lstm", "ht_lstm", "fdht_lstm"}
    row = formats.set_index(["measure", "protocol", "first"]).loc["test_accuracy", "group", "tt_lstm"]
    alone = compare(results, "test_accuracy", "tt_lstm", "lstm", "demo", "pixels", "group")
    assert (row["difference"], row["low"]) == pytest.approx((alone.mean, alone.low))


def test_a_model_without_runs_is_left_out(tmp_path):
    for fold in range(2):
        for protocol in factors.PROTOCOLS:
            write(tmp_path, "lstm", "ours", protocol, fold, 0.5)
        write(tmp_path, "tt_lstm", "ours", "group", fold, 0.4)
    table = factors.build(gather(tmp_path))
    assert set(zip(table["factor"], table["protocol"], table["first"], strict=True)) == {
        ("protocol", "", "lstm"),
        ("format", "group", "tt_lstm"),
    }


def test_variants_of_a_family_do_not_overwrite_each_other(tmp_path):
    """Of two models with one family and recipe the one named as the family counts, in whatever order they come."""
    for model, recipe in (("tt_lstm", "ours"), ("tt_lstm_rank8", "ours"), ("tt_lstm_b", "authors")):
        write_run(tmp_path, record(model, family="tt_lstm", recipe=recipe))
    assert factors.design(gather(tmp_path), "demo", "pixels") == {
        "tt_lstm": {"ours": "tt_lstm", "authors": "tt_lstm_b"}
    }


def test_without_two_models_there_is_nothing_to_compare(tmp_path):
    write(tmp_path, "tt_lstm", "ours", "group", 0, 0.5)
    assert TABLES["factors"].printed(gather(tmp_path)) == []
    assert FIGURES["factors"].drawing(gather(tmp_path)) == (None, "No format was run with both recipes.")


def test_the_figure_shows_both_recipes(crossed):
    figure, caption = FIGURES["factors"].drawing(crossed)
    assert [axes.get_title(loc="left") for axes in figure.axes] == ["demo (generated), pixels", ""]
    rows = [" ".join(text.get_text().split()) for axes in figure.axes for text in axes.texts]
    assert rows == ["protocol group", "protocol random"]
    assert "mean over n = 3 runs" in caption


@pytest.fixture(scope="module")
def longer(tmp_path_factory):
    """Every run gains a point an epoch; the authors' entries have twice the epochs: all they gain is length."""
    root = tmp_path_factory.mktemp("longer")
    for base, gain in (("lstm", 0.0), ("tr_lstm", 0.04)):
        for recipe, epochs in (("ours", 5), ("authors", 10)):
            for protocol in factors.PROTOCOLS:
                curve = [round(0.3 + gain + 0.01 * epoch, 4) for epoch in range(1, epochs + 1)]
                folder = write(root, base, recipe, protocol, 0, curve[-1], epochs=epochs)
                lines = [
                    {"epoch": epoch, "test_accuracy": value, "validation_accuracy": value, "validation_loss": 1.0}
                    for epoch, value in enumerate(curve, 1)
                ]
                (folder / "metrics.jsonl").write_text("".join(f"{json.dumps(line)}\n" for line in lines))
                recurrent = {**SHAPES[base], "hidden_size": 256, "input_size": 57600}
                recurrent |= {} if recipe == "ours" else {"init": "authors"}
                training = {"epochs": epochs, "normalisation": "unit" if recipe == "ours" else "raw"}
                training |= {"learning_rate": 0.001 if (base, recipe) == ("lstm", "ours") else 0.003}
                text = yaml.safe_dump({"recurrent": recurrent, "training": training})
                (folder / "specification.yaml").write_text(text)
    return gather(root)


def test_what_more_epochs_alone_gain_is_gone_at_equal_epochs(longer):
    table = factors.build(longer)
    assert set(table["equal_epochs"]) == {5}
    for _, rows in table.groupby("measure"):
        rows = rows.set_index(["factor", "protocol"])
        assert rows.loc["recipe", "difference"].to_list() == pytest.approx([-0.05, -0.05])
        assert rows.loc["recipe", "difference_equal_epochs"].to_list() == pytest.approx([0, 0])
        assert rows.loc["format", "difference_equal_epochs"].to_list() == pytest.approx([0.04, 0.04])


def test_the_note_says_what_a_recipe_holds(longer):
    notes = " ".join(TABLES["factors"].printed(longer)[0].notes)
    assert "The two recipes differ in: init, epochs, learning rate, normalisation." in notes


def test_rows_name_both_sides(crossed):
    sheet = TABLES["factors"].printed(crossed)[0]
    assert [(title, [row[0].text for row in rows]) for title, rows in sheet.blocks] == [
        ("Protocol: mean of 2 models", ["random − group"]),
        ("Recipe, protocol group: mean of 2 models", ["ours − authors'"]),
        ("Recipe, protocol random: mean of 2 models", ["ours − authors'"]),
        ("Format minus LSTM, protocol group", ["TR-LSTM"]),
        ("Format minus LSTM, protocol random", ["TR-LSTM"]),
    ]


def test_curves_give_what_the_records_say():
    compared = 0
    for file in reference.RECORDS.rglob("metrics.jsonl"):
        found, epochs = json.loads(file.with_name("result.json").read_text()), curves.read(file)
        for measure in ACCURACIES if epochs else ():
            if found.get(measure) is not None:
                assert factors._accuracies(epochs)[measure] == found[measure], file
                compared += 1
    assert compared


def test_no_curve_stays_in_memory(longer, monkeypatch):
    """Those of the paper's grid with fifty seeds would fill four gigabytes."""

    class Curve(list):
        __hash__ = object.__hash__

    read, kept = curves.read, weakref.WeakSet()

    def watched(path):
        kept.add(curve := Curve(read(path)))
        return curve

    monkeypatch.setattr(curves, "read", watched)
    assert factors.build(dataclasses.replace(longer))["difference_equal_epochs"].notna().any()
    gc.collect()
    assert not kept


def test_runs_that_would_be_cut_need_their_curves(longer, tmp_path):
    root = shutil.copytree(longer.root, tmp_path / "copy")
    for file in root.rglob("*_again/*/fold0/seed0/metrics.jsonl"):
        file.unlink()
    table = factors.build(gather(root)).set_index("factor")
    assert table.loc["recipe", "difference_equal_epochs"].isna().all()
    formats = table.loc["format"]  # none is longer than the other
    assert (formats["difference_equal_epochs"] == formats["difference"]).all()


def test_the_figure_names_the_recipe_as_the_layout_does(crossed):
    layout = crossed.layout | {"recipes": {"authors": "authors' start"}}
    (legend,) = FIGURES["factors"].drawing(dataclasses.replace(crossed, layout=layout)).canvas.legends
    assert [text.get_text() for text in legend.get_texts()] == ["our recipe, matched initialisation", "authors' start"]
