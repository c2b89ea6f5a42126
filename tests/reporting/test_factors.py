"""Protocol, recipe or format: an exact split of the sum of squares."""

import itertools
import json

import numpy as np
import pandas as pd
import pytest
import yaml
from synthetic_records import SHAPES, record, write_run

from workflow.commands import reference
from workflow.reporting.figures import FIGURES
from workflow.reporting.models import RECIPES
from workflow.reporting.results import gather
from workflow.reporting.tables import TABLES, factors


def write(root, family, recipe, protocol, seed, value, **other):
    """A run of a family's model, whose name does not hold the recipe."""
    model = family if recipe == "ours" else f"{family}_again"
    values = {"family": family, "recipe": recipe, "test_accuracy": value, "best_epoch_accuracy": value}
    return write_run(root, record(model, protocol, seed=seed, **values | other))


@pytest.fixture(scope="module")
def crossed(tmp_path_factory):
    """Accuracy = 0.4, + 0.2 under random, + 0.1 with our recipe, + 0.04 for TR: no interaction, no noise."""
    root = tmp_path_factory.mktemp("crossed")
    for base, format_gain in (("tt_lstm", 0.0), ("tr_lstm", 0.04)):
        for recipe, recipe_gain in (("ours", 0.1), ("authors", 0.0)):
            for protocol, protocol_gain in (("group", 0.0), ("random", 0.2)):
                for seed in range(2):
                    write(root, base, recipe, protocol, seed, round(0.4 + format_gain + recipe_gain + protocol_gain, 4))
    return gather(root)


def test_effects_that_were_put_in_come_out(crossed):
    table = factors.build(crossed)
    table = table[table["measure"] == "test_accuracy"].set_index("factor")
    assert table.loc[list(factors.AXES), "spread"].tolist() == pytest.approx([0.2, 0.1, 0.04])
    squares = np.array([0.2, 0.1, 0.04]) ** 2
    assert table.loc[list(factors.AXES), "share"].tolist() == pytest.approx(list(squares / squares.sum()))
    assert table["share"].sum() == pytest.approx(1)
    assert table.loc["protocol x recipe x format", "share"] == pytest.approx(0, abs=1e-12)


def test_the_split_is_exact_for_any_numbers():
    levels = ["group", "random"], list(RECIPES), list("abcde"), range(3)
    index = pd.MultiIndex.from_product(levels, names=[*factors.AXES, "fold"])
    values = np.random.default_rng(0).normal(size=(2, 2, 5, 3))
    parts = factors.split(pd.Series(values.ravel(), index))
    assert sum(parts.values()) == pytest.approx(((values - values.mean()) ** 2).sum())
    means = values.mean(axis=(1, 2, 3))
    assert parts["protocol",] == pytest.approx(2 * 5 * 3 * ((means - values.mean()) ** 2).sum())
    cells = values.mean(axis=3, keepdims=True)
    assert parts[()] == pytest.approx(((values - cells) ** 2).sum())
    pair = values.mean(axis=(2, 3)) - means[:, None] - values.mean(axis=(0, 2, 3)) + values.mean()
    assert parts["protocol", "recipe"] == pytest.approx(5 * 3 * (pair**2).sum())


def test_only_runs_that_every_cell_has_are_used(crossed):
    values = factors.cells(crossed, "test_accuracy", "demo", "pixels")
    assert len(values) == 2 * 2 * 2 * 2
    assert list(values.index.unique("format")) == ["tt_lstm", "tr_lstm"]


def test_variants_of_a_family_do_not_overwrite_each_other(tmp_path):
    """Of two models with one family and recipe the one named as the family counts, in whatever order they come."""
    for model, recipe in (("tt_lstm", "ours"), ("tt_lstm_rank8", "ours"), ("tt_lstm_b", "authors")):
        write_run(tmp_path, record(model, family="tt_lstm", recipe=recipe))
    assert factors.design(gather(tmp_path), "demo", "pixels") == {
        "tt_lstm": {"ours": "tt_lstm", "authors": "tt_lstm_b"}
    }


def test_without_both_recipes_there_is_nothing_to_split(results):
    assert factors.build(results).empty
    assert TABLES["factors"].printed(results) == []
    assert FIGURES["factors"].drawing(results) == (None, "No format was run with both recipes.")


def test_the_figure_shows_both_recipes(crossed):
    figure = FIGURES["factors"].drawing(crossed).canvas
    titles = [axes.get_title(loc="left").replace("\u00a0", " ") for axes in figure.axes]
    assert titles == ["demo (generated), pixels: group (n = 2)", "demo (generated), pixels: random (n = 2)"]


@pytest.fixture(scope="module")
def longer(tmp_path_factory):
    """Every run gains a point an epoch; the authors' entries have twice the epochs: all they gain is length."""
    root = tmp_path_factory.mktemp("longer")
    for base, gain in (("tt_lstm", 0.0), ("tr_lstm", 0.04)):
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
                training |= {"learning_rate": 0.001 if (base, recipe) == ("tt_lstm", "ours") else 0.003}
                text = yaml.safe_dump({"recurrent": recurrent, "training": training})
                (folder / "specification.yaml").write_text(text)
    return gather(root)


def test_what_more_epochs_alone_gain_is_gone_at_equal_epochs(longer):
    table = factors.build(longer)
    assert set(table["equal_epochs"]) == {5}
    for _, rows in table.groupby("measure"):
        rows = rows.set_index("factor")
        assert rows.loc["recipe", "spread"] == pytest.approx(0.05)
        assert rows.loc["recipe", "share_equal_epochs"] == pytest.approx(0, abs=1e-12)
        assert rows.loc["format", "spread_equal_epochs"] == pytest.approx(0.04)


def test_the_note_says_what_a_recipe_holds(longer):
    notes = " ".join(TABLES["factors"].printed(longer)[0].notes)
    assert "The two recipes of a format differ in: init, epochs, learning rate, normalisation." in notes
    assert "cut to its first 5 epochs" in notes


def test_streams_give_what_the_records_say():
    results = gather(reference.RECORDS)
    setting = "ucf11", "pixels", "tr_lstm_authors", "random"
    for measure in ("test_accuracy", "best_epoch_accuracy"):
        pd.testing.assert_series_equal(
            factors.cut(results, measure, 40, *setting), results.by_run(measure, *setting), check_names=False
        )


def test_without_streams_there_are_no_shares_at_equal_epochs(tmp_path):
    for family, recipe, protocol in itertools.product(("tt_lstm", "tr_lstm"), RECIPES, factors.PROTOCOLS):
        write(tmp_path, family, recipe, protocol, 0, 0.5)
    for file in tmp_path.rglob("metrics.jsonl"):
        file.unlink()
    table = factors.build(gather(tmp_path))
    assert len(table)
    assert table["share_equal_epochs"].isna().all()
