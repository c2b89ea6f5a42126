"""Protocol, start or format: an exact split of the sum of squares."""

import numpy as np
import pytest
import yaml
from synthetic_records import SHAPES, record, write_run

from workflow.reporting.content import factors
from workflow.reporting.content.material import gather
from workflow.reporting.plots import factors as plot
from workflow.reporting.plots import style


def write_started(root, model, start, protocol, seed, value):
    """A run whose specification names its start."""
    base = "tt_lstm" if model.startswith("tt") else "tr_lstm"
    folder = write_run(root, record(model, protocol, seed=seed, test_accuracy=value, best_epoch_accuracy=value))
    recurrent = {**SHAPES[base], "hidden_size": 256, "input_size": 57600, "init": start}
    (folder / "specification.yaml").write_text(yaml.safe_dump({"recurrent": recurrent}))


@pytest.fixture(scope="module")
def crossed(tmp_path_factory):
    """Accuracy = 0.4, + 0.2 under published, + 0.1 with the matched start, + 0.04 for TR: no interaction, no noise."""
    root = tmp_path_factory.mktemp("crossed")
    for base, format_gain in (("tt_lstm", 0.0), ("tr_lstm", 0.04)):
        for start, start_gain in (("matched", 0.1), ("published", 0.0)):
            for protocol, protocol_gain in (("group", 0.0), ("published", 0.2)):
                for seed in range(2):
                    model = base if start == "matched" else f"{base}_published"
                    value = round(0.4 + format_gain + start_gain + protocol_gain, 4)
                    write_started(root, model, start, protocol, seed, value)
    return gather(root)


def test_effects_that_were_put_in_come_out(crossed):
    table = factors.build(crossed)
    table = table[table["measure"] == "test_accuracy"].set_index("factor")
    assert table.loc[["protocol", "start", "format"], "spread"].tolist() == pytest.approx([0.2, 0.1, 0.04])
    squares = np.array([0.2, 0.1, 0.04]) ** 2
    assert table.loc[["protocol", "start", "format"], "share"].tolist() == pytest.approx(list(squares / squares.sum()))
    assert table["share"].sum() == pytest.approx(1)
    assert table.loc["protocol x start x format", "share"] == pytest.approx(0, abs=1e-12)


def test_the_split_is_exact_for_any_numbers():
    values = np.random.default_rng(0).normal(size=(2, 2, 5, 3))
    parts = factors.split(values)
    assert sum(parts.values()) == pytest.approx(((values - values.mean()) ** 2).sum())
    means = values.mean(axis=(1, 2, 3))
    assert parts["protocol",] == pytest.approx(2 * 5 * 3 * ((means - values.mean()) ** 2).sum())


def test_only_runs_that_every_cell_has_are_used(crossed, tmp_path):
    values, formats = factors.cube(crossed, "test_accuracy", "demo", "pixels")
    assert values.shape == (2, 2, 2, 2)
    assert formats == ["tt_lstm", "tr_lstm"]


def test_without_both_starts_there_is_nothing_to_split(material):
    assert factors.build(material).empty
    assert factors.sheets(material) == []
    with style.in_style():
        assert plot.draw(material).caption == plot.NOTHING


def test_the_figure_shows_both_starts(crossed):
    with style.in_style():
        figure = plot.draw(crossed).figure
    titles = [axes.get_title(loc="left") for axes in figure.axes]
    assert titles == [
        "demo (generated), pixels: group (n = 2 each)",
        "demo (generated), pixels: published (n = 2 each)",
    ]
