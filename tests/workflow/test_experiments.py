"""A part of the grid by name: what is selected, how variants are kept apart, and what Snakemake is asked for."""

import json

import pytest
from projects import TINY

from workflow.commands import __main__ as commands
from workflow.commands import run, selection
from workflow.experiments import grid
from workflow.experiments.configuration import complete
from workflow.storage.errors import InputError

GRID = grid.runs(complete({**TINY, "seeds": [0, 1], "protocols": ["random", "group"]}))


def test_the_runs_that_agree_are_selected():
    chosen = grid.select(GRID, {"model": ["tt_lstm"], "seed": [1]})
    assert [(run.protocol, run.model, run.seed) for run in chosen] == [
        ("random", "tt_lstm", 1),
        ("group", "tt_lstm", 1),
    ]


def test_of_several_values_of_an_axis_each_is_selected():
    assert grid.select(GRID, {"model": ["tt_lstm", "lstm"], "seed": [0, 1]}) == GRID
    assert {run.seed for run in grid.select(GRID, {"model": ["tt_lstm", "lstm"], "seed": [1]})} == {1}


def test_a_name_that_no_run_has():
    with pytest.raises(InputError, match=r"model: no run has 'tt_lst'; did you mean 'tt_lstm'\?"):
        grid.select(GRID, {"model": ["lstm", "tt_lst"]})


def test_a_number_that_no_run_has():
    with pytest.raises(InputError, match=r"fold: no run has 7; known: 0"):
        grid.select(GRID, {"fold": [7]})


def test_settings_become_an_overlay():
    settings = ["training.epochs=5", "models.lstm.hidden_size=9", "training.patience=2", "training.epochs=6"]
    assert selection.overlay(settings) == {
        "training": {"epochs": 6, "patience": 2},
        "models": {"lstm": {"hidden_size": 9}},
    }


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (["epochs"], "--set epochs: expected KEY=VALUE"),
        (["seeds=[1"], r"--set seeds=\[1: not valid YAML: expected ',' or '\]'"),
        (["seeds=!own 1"], "--set seeds=!own 1: not valid YAML: could not determine a constructor"),
    ],
)
def test_a_setting_that_cannot_be_read_is_one_sentence(settings, message):
    with pytest.raises(InputError, match=message):
        selection.overlay(settings)


def test_a_variant_has_a_name_of_its_own_and_shares_the_data_unless_it_changes_them():
    config = complete(TINY)
    quick, other = ({"training": {"epochs": number}} for number in (5, 6))
    first, second = selection.variant(config, quick), selection.variant(config, other)
    assert len({"tiny", first["name"], second["name"]}) == 3
    assert first["data"] == "tiny"
    for own in ({"frames": {"count": 2}}, {"protocols": ["group"]}, {"inception_v3": {"batch": 2}}):
        assert "data" not in selection.variant(config, own), f"{own}: the data of the base would be made again"
    assert selection.variant(config, {}) == {}


def test_snakemake_is_asked_for_the_experiments(tmp_path, monkeypatch):
    asked = []
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(run, "snakemake", lambda config, options: asked.append(options) or 0)
    (tmp_path / "tiny.yaml").write_text(json.dumps(TINY))
    words = ["demo", "pixels", "lstm", "--fold", "0", "--set", "training.epochs=5", "--force", "-n", "--cores", "2"]
    assert commands.main(["tiny.yaml", "run", *words]) == 0
    (options,) = asked
    name = next(word for word in options if word.startswith("name=")).removeprefix("name=").strip('"')
    assert name.startswith("tiny-")
    assert options[:3] == ["-n", "--cores", "2"]
    given = dict(word.split("=", 1) for word in options if "=" in word)
    only = {"dataset": ["demo"], "front_end": ["pixels"], "model": ["lstm"], "fold": [0], "force": True}
    assert json.loads(given["only"]) == only
    assert given["training"] == '{"epochs": 5}'
    assert options[options.index("--") + 1 :] == [f"results/{name}/runs/demo/pixels/lstm/group/experiment.json"]


def test_an_option_that_is_repeated_adds_to_the_runs(tmp_path, monkeypatch):
    asked = []
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(run, "snakemake", lambda config, options: asked.append(options) or 0)
    (tmp_path / "tiny.yaml").write_text(json.dumps({**TINY, "seeds": [0, 1, 2]}))
    words = ["--model", "lstm", "--model", "tt_lstm", "--seed", "0", "--seed", "2", "-n"]
    assert commands.main(["tiny.yaml", "run", *words]) == 0
    ((*_, only, _, first, second),) = asked
    wanted = {"model": ["lstm", "tt_lstm"], "seed": [0, 2], "force": False}
    assert json.loads(only.removeprefix("only=")) == wanted
    assert [first, second] == [
        f"results/tiny/runs/demo/pixels/{name}/group/experiment.json" for name in wanted["model"]
    ]


def test_an_option_that_snakemake_refuses_lists_no_runs(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(run, "snakemake", lambda config, options: run.WRONG_OPTION)
    (tmp_path / "tiny.yaml").write_text(json.dumps(TINY))
    assert commands.main(["tiny.yaml", "run", "--modle", "lstm"]) == run.WRONG_OPTION
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    ("words", "others"),
    [
        (["demo", "-n", "--seed", "0"], ["-n"]),
        (["--cores", "2", "--model=lstm", "-j4"], ["--cores", "2", "-j4"]),
        (["--model", "lstm", "demo", "--set", "seeds=[0]"], []),
        (
            ["demo", "--profile", "profiles/slurm", "--forcerun", "train"],
            ["--profile", "profiles/slurm", "--forcerun", "train"],
        ),
    ],
)
def test_what_run_does_not_know_goes_to_snakemake(tmp_path, monkeypatch, words, others):
    asked = []
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(run, "prepare", lambda file, others: asked.append(others))
    monkeypatch.setattr(run, "snakemake", lambda config, options: 0)
    (tmp_path / "tiny.yaml").write_text(json.dumps(TINY))
    commands.main(["tiny.yaml", "run", *words])
    assert asked == [others]


def test_an_option_without_its_value_is_one_sentence(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "tiny.yaml").write_text(json.dumps(TINY))
    assert commands.main(["tiny.yaml", "run", "demo", "--seed"]) == 2
    assert capsys.readouterr().err == "reproduce: Option '--seed' requires an argument.\n"
