"""A configuration is checked before any work; each mistake is answered by one sentence."""

import copy

import pytest
import yaml

from workflow.experiments import grid
from workflow.experiments.configuration import complete, retyped
from workflow.experiments.configuration_file import load, load_own
from workflow.storage.errors import InputError

GOOD = {
    "name": "unit",
    "datasets": {"demo": None, "ucf11": {"partial": True}},
    "frames": {"width": 40, "height": 30},
    "folds": [0, 1],
    "seeds": [3, 5],
    "training": {"epochs": 7, "for": {"ucf11": {"epochs": 9}, "ucf11/pixels": {"batch_size": 4}}},
    "models": {
        "lstm": {"format": "dense", "hidden_size": 8},
        "tt_lstm": {
            "format": "tensor_train",
            "hidden_size": 8,
            "input_modes": [60, 60],
            "output_modes": [2, 4],
            "ranks": 2,
            "training": {"learning_rate": 0.5},
            "for": {"ucf11": {"ranks": 3, "training": {"learning_rate": 0.25}}},
        },
    },
}


def changed(path, value):
    raw = copy.deepcopy(GOOD)
    *parents, last = path.split(".")
    place = raw
    for key in parents:
        place = place[key]
    place[last] = value
    return raw


def test_defaults_are_filled_in_and_the_order_of_the_file_stays():
    config = complete(GOOD)
    assert config.datasets["demo"].max_undecodable == 0.01
    assert config.front_ends == ["pixels"]
    assert [config.splits.validation_share(name) for name in ("random", "group", "siblings_50")] == [0, 0.15, 0]
    assert config.frames.count == 6
    assert list(config.models) == ["lstm", "tt_lstm"]
    assert complete(config.plain) == config


def test_overrides_apply_from_the_general_to_the_specific():
    config = complete(GOOD)
    general = grid.shared_by_runs(config, "demo", "pixels", "lstm")["training"]
    assert (general.epochs, general.batch_size, general.learning_rate) == (7, 16, 0.001)
    ucf11 = grid.shared_by_runs(config, "ucf11", "pixels", "tt_lstm")["training"]
    assert (ucf11.epochs, ucf11.batch_size, ucf11.learning_rate) == (9, 4, 0.25)
    assert grid.shared_by_runs(config, "ucf11", "pixels", "tt_lstm")["recurrent"]["ranks"] == 3
    assert grid.shared_by_runs(config, "demo", "pixels", "tt_lstm")["recurrent"]["ranks"] == 2
    assert grid.shared_by_runs(config, "demo", "inception_v3", "lstm")["recurrent"]["input_size"] == 2048


def test_the_grid_holds_every_combination_once():
    runs = grid.runs(complete(GOOD))
    assert len(runs) == len(set(runs)) == 2 * 1 * 2 * 2 * 2 * 2
    assert runs[0].folder == "demo/pixels/lstm/group/fold0/seed3"


@pytest.mark.parametrize(
    ("path", "value", "sentence"),
    [
        ("trainig", {}, r"unknown key 'trainig'; did you mean 'training'\?"),
        ("splits", {"validation": 0.15}, r"splits\.validation: 0\.15 should be a mapping of keys to values"),
        ("splits", {"validation": {"randm": 0}}, r"splits\.validation: unknown key 'randm'; did you mean 'random'\?"),
        (
            "splits",
            {"validation": {"group": 0.6}},
            r"splits\.validation\.group: 0\.6 should be less than or equal to 0\.5",
        ),
        ("splits", {"published_seed": 1}, r"splits\.published_seed: 1 should be 'tt_rnn'"),
        ("protocols", ["siblings_10"], r"protocols\.0: unknown protocol 'siblings_10'; did you mean 'siblings_100'\?"),
        ("training.epohcs", 3, r"training: unknown key 'epohcs'; did you mean 'epochs'\?"),
        ("training.epochs", "ten", r"training\.epochs: 'ten' should be a valid integer"),
        ("training.for.ucf11.epochs", 0, r"training\.for\.ucf11\.epochs: 0 should be greater than or equal to 1"),
        (
            "training.for.ucf12",
            {},
            r"training\.for\.ucf12: unknown front end, data set or data set/front end 'ucf12'; did you mean 'ucf11'\?",
        ),
        ("models.tt_lstm.for.ucf11.training.epohcs", 1, r"models\.tt_lstm\.for\.ucf11\.training: unknown key"),
        ("datasets.ucf12", {}, r"datasets\.ucf12: unknown data set 'ucf12'; did you mean 'ucf11'\?"),
        ("datasets.demo", {"sorce": "x"}, r"datasets\.demo: unknown key 'sorce'; did you mean 'source'\?"),
        ("folds", "some", r"folds: 'some' should be 'all' or a list of fold numbers"),
        ("models", {}, r"models: \{\} should have at least 1 item"),
        ("seeds", [1, 1], r"seeds: \[1, 1\] lists 1 twice"),
        ("seeds", [2**63], r"seeds\.0: 9223372036854775808 should be less than"),
        ("cnn", {}, r"unknown key 'cnn'; it is called 'inception_v3' now"),
        ("front_ends", ["cnn"], r"front_ends\.0: unknown front end 'cnn'; it is called 'inception_v3' now"),
        ("protocols", ["published"], r"protocols\.0: unknown protocol 'published'; it is called 'random' now"),
        ("training.for.cnn", {}, r"training\.for\.cnn: unknown front end, .+ 'cnn'; it is called 'inception_v3' now"),
        ("models.lstm.only", ["ucf11/cnn"], r"models\.lstm\.only\.0: .+; it is called 'ucf11/inception_v3' now"),
        ("models.lstm.recipe", "published", r"models\.lstm\.recipe: .+ 'published'; it is called 'authors' now"),
        ("splits", {"validation": {"published": 0}}, r"splits\.validation: .+ 'published'; it is called 'random' now"),
        ("training.learning_rate", 0, r"training\.learning_rate: 0 should be greater than 0"),
        ("training.epochs", True, r"training\.epochs: True should be a valid integer"),
        ("models.lstm", {"hidden_size": 3}, r"models\.lstm: missing format"),
    ],
)
def test_a_mistake_is_one_sentence_with_file_key_and_value(path, value, sentence):
    with pytest.raises(InputError, match=rf"^somewhere\.yaml: {sentence}") as caught:
        complete(changed(path, value), "somewhere.yaml")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("path", "value", "sentence"),
    [
        (
            "models.lstm.format",
            "dence",
            r"models\.lstm\.format: unknown format 'dence'; did you mean 'dense'\?",
        ),
        (
            "models.tt_lstm.input_modes",
            [60, 61],
            r"models\.tt_lstm on demo/pixels: .*input_modes.*3660.*3600",
        ),
        ("models.lstm.init", "published", r"models\.lstm\.init: unknown init 'published'; it is called 'authors' now"),
        ("models.tt_lstm.rank", 2, r"models\.tt_lstm on demo/pixels: .*rank"),
        (
            "models.lstm.training",
            {"search": {"epochs": [1, 2]}},
            r"models\.lstm: a search needs a validation part, and protocol 'random' has none; give it one in",
        ),
    ],
)
def test_an_impossible_model_is_told_before_any_work(path, value, sentence):
    with pytest.raises(InputError, match=sentence):
        grid.check_models(complete(changed(path, value)), "somewhere.yaml")


def test_a_fold_that_a_protocol_does_not_have_is_named():
    with pytest.raises(InputError, match=r"folds: 17 is not a fold of demo's 'group' protocol"):
        grid.runs(complete(changed("folds", [0, 17])))


def test_files_that_cannot_be_read(tmp_path):
    with pytest.raises(InputError, match=r"nowhere\.yaml: no such configuration file"):
        load(tmp_path / "nowhere.yaml")
    with pytest.raises(InputError, match="cannot be read: Is a directory"):
        load(tmp_path)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"models: [", "not valid YAML: line 1: .*; correct it"),
        (b"name: x\nmodels: {a: 1\nseeds: [0]\n", "not valid YAML: line 3: .*; correct it"),
        (b"name: x\nodd: !what 3\n", "not valid YAML: line 2: could not determine a constructor.*'!what'"),
        (b"name: \0\n", "not valid YAML: unacceptable character"),
        (b"# a\nname: \xe4\n", "not valid YAML: line 2 is not UTF-8; save it as UTF-8"),
        (b"", "holds nothing; expected keys and values"),
        (b"- 1\n", "holds a list; expected keys and values"),
        (b"a: 1\nb: &b {x: 1}\nc: {<<: *b, x: 2}\na: 2\n", "line 4: 'a' appears twice, also in line 1"),
        (b"a:\n- b: 1\n  b: 1\n", "line 3: 'b' appears twice, also in line 2"),
    ],
)
def test_a_broken_file_is_one_sentence_with_its_line(tmp_path, content, sentence):
    broken = tmp_path / "broken.yaml"
    broken.write_bytes(content)
    with pytest.raises(InputError, match=rf"broken\.yaml: {sentence}") as caught:
        load(broken)
    assert "\n" not in str(caught.value)


def test_numbers_that_yaml_takes_for_text_are_numbers_in_a_file_too():
    training = complete(changed("training", {"learning_rate": "1e-3", "epochs": "20"})).training
    assert (training.learning_rate, training.epochs) == (0.001, 20)


@pytest.mark.parametrize("value", [float("inf"), "nan", ".inf"])
def test_numbers_without_end_are_refused(value):
    with pytest.raises(InputError, match=r"training\.learning_rate: (inf|nan) is not a finite number"):
        complete(changed("training.learning_rate", value))


def test_the_results_of_a_configuration_have_the_name_of_its_file(tmp_path):
    for stem in ("unit", "copy"):
        (tmp_path / f"{stem}.yaml").write_text(yaml.safe_dump(GOOD))
    assert load_own(tmp_path / "unit.yaml").name == "unit"
    with pytest.raises(InputError, match=r"copy\.yaml: name: 'unit' names .*; expected 'copy'"):
        load_own(tmp_path / "copy.yaml")


def test_every_configuration_of_the_project_is_valid(root):
    for path in sorted((root / "config").glob("*.yaml")):
        config = load(path)
        assert load_own(path) == config
        grid.check_models(config, str(path))
        wanted = [run.plain for run in grid.runs(config)]
        assert wanted
        assert [run.plain for run in grid.runs(complete(config.plain))] == wanted  # as config.yaml in the results


def test_values_from_the_command_line_get_their_types_back():
    given = {"seeds": ["0", "1"], "training": {"learning_rate": "1e-3", "patience": "null"}, "partial": "true"}
    assert retyped(given) == {
        "seeds": [0, 1],
        "training": {"learning_rate": 0.001, "patience": None},
        "partial": True,
    }
    assert retyped({"source": "/data/ucf11", "odd": "[", "n": 3}) == {"source": "/data/ucf11", "odd": "[", "n": 3}


@pytest.mark.parametrize(("only", "places"), [("demo", 1), ("pixels", 2), ("ucf11/pixels", 1), ("inception_v3", 0)])
def test_a_model_runs_only_where_it_is_meant_to(only, places):
    runs = grid.runs(complete(changed("models.lstm.only", [only])))
    assert len({run.dataset for run in runs if run.model == "lstm"}) == places
    assert {run.dataset for run in runs if run.model == "tt_lstm"} == {"demo", "ucf11"}


def test_a_model_narrows_protocols_folds_and_seeds_and_its_overlays_win():
    raw = changed("models.tt_lstm.seeds", [5, 7])
    raw["models"]["tt_lstm"]["protocols"] = ["group"]
    raw["models"]["tt_lstm"]["for"]["ucf11"] |= {"folds": [1], "seeds": [3]}
    found = {name: [] for name in ("lstm", "demo", "ucf11")}
    for run in grid.runs(complete(raw)):
        found["lstm" if run.model == "lstm" else run.dataset].append((run.protocol, run.fold, run.seed))
    assert len(found["lstm"]) == 16
    assert found["demo"] == [("group", 0, 5), ("group", 1, 5)]
    assert found["ucf11"] == [("group", 1, 3)]


@pytest.mark.parametrize(
    ("key", "value", "sentence"),
    [
        ("protocols", ["gruop"], r"models\.lstm\.protocols\.0: unknown protocol 'gruop'; did you mean 'group'\?"),
        ("folds", [0, 9], r"models\.lstm\.folds: 9 is not a fold of demo's 'group' protocol \(0\.\.4\)"),
        ("seeds", [-1], r"models\.lstm\.seeds\.0: -1 should be greater than or equal to 0"),
        ("seeds", [4], r"no model has a run; "),
    ],
)
def test_a_mistake_in_what_a_model_runs_is_one_sentence(key, value, sentence):
    raw = changed(f"models.lstm.{key}", value)
    del raw["models"]["tt_lstm"]
    with pytest.raises(InputError, match=rf"{sentence}") as caught:
        grid.check_models(complete(raw, "somewhere.yaml"), "somewhere.yaml")
    assert "\n" not in str(caught.value)


def test_a_model_without_validation_may_run_where_its_search_does_not_reach():
    raw = changed("training.search", {"learning_rate": [0.1, 0.2]})
    raw |= {"protocols": ["group", "siblings_50"]}
    raw["models"] = {"chance": {"format": "chance"}, "lstm": {**raw["models"]["lstm"], "protocols": ["group"]}}
    grid.check_models(complete(raw), "somewhere.yaml")
    del raw["models"]["lstm"]["protocols"]
    with pytest.raises(InputError, match=r"models\.lstm: a search needs .* protocol 'siblings_50' has none"):
        grid.check_models(complete(raw), "somewhere.yaml")


def test_shapes_that_no_run_has_are_not_checked():
    raw = changed("models.tt_lstm.input_modes", [60, 61])
    raw["models"]["tt_lstm"]["only"] = ["inception_v3"]
    grid.check_models(complete(raw), "somewhere.yaml")


def test_a_search_has_every_combination_of_its_values():
    search = {"learning_rate": ["3e-4", 0.001], "batch_size": [8, 16]}
    training = complete(changed("training", {"epochs": 7, "search": search})).training
    found = [(one.epochs, one.learning_rate, one.batch_size, one.search) for one in training.candidates]
    assert found == [(7, rate, size, {}) for rate in (0.0003, 0.001) for size in (8, 16)]
    assert [one.epochs for one in complete(GOOD).training.candidates] == [7]


@pytest.mark.parametrize(
    ("search", "sentence"),
    [
        ({"learning_rat": [1]}, r": unknown setting of a search 'learning_rat'; did you mean 'learning_rate'\?"),
        ({"device": ["cpu"]}, r": unknown setting of a search 'device'; known: epochs, batch_size"),
        ({"precision": ["tf32"]}, r": unknown setting of a search 'precision'; known: epochs, batch_size"),
        ({"search": [1]}, r": unknown setting of a search 'search'; known: epochs, batch_size"),
        ({"hidden_size": [8]}, r": unknown setting of a search 'hidden_size'; known: epochs, batch_size"),
        ({"learning_rate": []}, r"\.search\.learning_rate: \[\] should have at least 1 item"),
        ({"learning_rate": 1}, r"\.search\.learning_rate: 1 should be a valid list"),
        ({"learning_rate": [1, 1]}, r"\.search\.learning_rate: \[1, 1\] lists 1 twice"),
        ({"learning_rate": [1, "high"]}, r": search: learning_rate: 'high' should be a valid number"),
        ({"learning_rate": [0]}, r": search: learning_rate: 0 should be greater than 0"),
        ({"epochs": [1.5]}, r": search: epochs: 1\.5 should be a valid integer"),
        ([1], r"\.search: \[1\] should be a mapping of keys to values"),
    ],
)
@pytest.mark.parametrize("path", ["training", "models.lstm.training"])
def test_a_mistake_in_a_search_is_one_sentence(path, search, sentence):
    with pytest.raises(InputError, match=rf"^somewhere\.yaml: {path}{sentence}") as caught:
        complete(changed(path, {"search": search}), "somewhere.yaml")
    assert "\n" not in str(caught.value)
