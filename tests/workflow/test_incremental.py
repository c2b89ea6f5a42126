"""What is made again after a change, and what is not (the traps of Snakemake, one test each)."""

import copy
import os
import shutil
from contextlib import contextmanager

import pytest
from projects import TINY, checkout


@contextmanager
def edited(path, change):
    """`path` with its text changed, put back afterwards."""
    before = path.read_text()
    path.write_text(change(before))
    try:
        yield
    finally:
        path.write_text(before)


def trained(jobs):
    return {job for job in jobs if job.startswith("train ")}


def test_the_default_target_of_the_top_level_snakefile_runs_everything(finished):
    results = finished.root / "results" / "tiny"
    for name in ("tables/accuracy.csv", "tables/accuracy.tex", "tables/parameters.csv", "report.html"):
        assert (results / name).stat().st_size > 0, name
    assert list((results / "figures").glob("*.pdf"))
    assert len(list((results / "runs").rglob("result.json"))) == 2


def test_a_second_run_has_nothing_to_do(finished):
    run = finished.snakemake("--configfile", "config/tiny.yaml")
    assert run.returncode == 0
    assert "Nothing to be done" in run.stdout


def test_a_hyperparameter_of_one_model_retrains_that_model_only(finished):
    config = copy.deepcopy(TINY)
    config["models"]["tt_lstm"]["training"] = {"learning_rate": 0.002}
    finished.write_config(config)
    try:
        jobs = finished.planned()
    finally:
        finished.write_config(TINY)
    assert trained(jobs) == {"train tt_lstm"}
    assert jobs >= {"collect", "tables", "figures"}
    assert not jobs & {"download", "unpack", "frames", "splits"}


def test_a_general_hyperparameter_retrains_every_model(finished):
    config = copy.deepcopy(TINY)
    config["training"]["learning_rate"] = 0.002
    finished.write_config(config)
    try:
        jobs = finished.planned()
    finally:
        finished.write_config(TINY)
    assert trained(jobs) == {"train lstm", "train tt_lstm"}


@pytest.mark.parametrize(
    ("source", "marked"),
    [
        ("baselines/tensor_train.py", {"train tt_lstm"}),
        ("baselines/dense.py", {"train lstm"}),
        ("workflow/training/run.py", {"train lstm", "train tt_lstm"}),
        ("workflow/commands/figures.py", set()),
        ("baselines/tensor_ring.py", set()),
    ],
)
def test_a_changed_source_marks_exactly_the_runs_that_use_it(finished, source, marked):
    with edited(finished.root / source, lambda text: text + "\nCHANGED = True\n"):
        assert trained(finished.planned()) == marked


def test_a_touched_source_marks_nothing(finished):
    for source in ("baselines/tensor_train.py", "workflow/training/run.py", "workflow/datasets/frames.py"):
        os.utime(finished.root / source)
    assert finished.planned() == set()


def test_touched_data_train_nothing(finished):
    for name in ("frames.npy", "clips.csv", "frames.json", "splits.csv", "splits.json", "leakage.csv"):
        os.utime(finished.root / "results/tiny/data/demo" / name)
    assert trained(finished.planned()) == set()


def test_a_copy_of_a_finished_project_has_nothing_to_do(finished, tmp_path):
    copied = tmp_path / "copied"
    shutil.copytree(finished.root, copied, symlinks=True)  # times of files made in another order
    for number, path in enumerate(sorted(copied.rglob("*"), reverse=True)):
        if path.is_file() and not path.is_symlink():
            os.utime(path, (1.7e9 + number, 1.7e9 + number))
    run = type(finished)(copied).snakemake("--configfile", "config/tiny.yaml")
    assert run.returncode == 0, run.stderr
    assert "Nothing to be done" in run.stdout


def test_results_copied_into_another_checkout_are_compared_by_content(finished, root, tmp_path):
    copied = type(finished)(checkout(root, tmp_path / "copied"))  # without .snakemake, and with files that are newer
    copied.write_config(TINY)
    for name in ("results", "resources"):
        shutil.copytree(finished.root / name, copied.root / name, copy_function=shutil.copyfile, dirs_exist_ok=True)
    run = copied.snakemake("--configfile", "config/tiny.yaml")
    assert run.returncode == 0, run.stdout
    assert "Nothing to be done" in run.stdout
    changed = copy.deepcopy(TINY)
    changed["splits"] = {"seed": 5}
    copied.write_config(changed)
    planned = copied.planned()
    assert {"splits", "train lstm"} <= planned
    assert "frames" not in planned


def test_a_change_of_the_frames_decodes_again(finished):
    config = copy.deepcopy(TINY)
    config["frames"]["count"] = 3
    finished.write_config(config)
    try:
        jobs = finished.planned()
    finally:
        finished.write_config(TINY)
    assert {"frames", "train lstm", "train tt_lstm"} <= jobs
    assert not jobs & {"generate", "download", "unpack"}


def test_another_batch_computes_the_features_again(finished):
    """Their last bits depend on it."""
    config = {**TINY, "front_ends": ["pixels", "efficientnet_lite2"], "models": {"lstm": TINY["models"]["lstm"]}}
    with finished.restored() as results:
        try:
            finished.write_config(config)
            for name in ("efficientnet_lite2.npy", "efficientnet_lite2.json"):
                (results / "data/demo" / name).touch()
            kept = finished.snakemake("--touch", "--configfile", "config/tiny.yaml", "--", "prepared")
            assert kept.returncode == 0, kept.stdout
            assert "features" not in finished.planned("prepared")
            finished.write_config({**config, "efficientnet_lite2": {"batch": 12}})
            assert "features" in finished.planned("prepared")
            (results / "data/demo/inventory.json").unlink()  # the advice of the step if a clip is damaged
            assert "unpack" in finished.planned("results/tiny/data/demo/efficientnet_lite2.npy")
        finally:
            finished.write_config(TINY)


def test_a_configuration_beside_it_that_uses_the_same_archive_makes_nothing_again(finished):
    finished.write_config({**TINY, "name": "beside"}, "beside")
    try:
        made = finished.snakemake("--configfile", "config/beside.yaml", "--", "results/beside/data/demo/source.json")
        assert made.returncode == 0, made.stdout
        assert "Generating" not in made.stdout
        assert finished.planned() == set()
    finally:
        (finished.root / "config" / "beside.yaml").unlink()


def test_another_seed_trains_only_that_seed(finished):
    with finished.restored() as results:
        before = {path: path.stat() for path in (results / "runs").rglob("result.json")}
        finished.write_config({**TINY, "seeds": [0, 1]})
        try:
            assert trained(finished.planned()) == {"train lstm", "train tt_lstm"}
            made = finished.snakemake("--configfile", "config/tiny.yaml", "--", "trained")
            assert made.returncode == 0, made.stdout
        finally:
            finished.write_config(TINY)
        assert len(list((results / "runs").rglob("result.json"))) == 4
        assert {path: path.stat() for path in before} == before
        assert trained(finished.planned()) == set(), "a seed that is no longer wanted makes no record outdated"
        log = (results / "logs/train/demo/pixels/lstm/group.log").read_text()
        assert log.startswith("demo/pixels/lstm/group: 1 of 2 runs are done\n")
    assert finished.planned() == set()


def test_comments_docstrings_and_layout_mark_nothing(finished):
    def reworded(text):
        return '"""Another docstring."""\n\n# a comment\n' + text.partition('"""\n')[2].replace(
            "(shared, ", "(\n    shared, "
        )

    for source in ("baselines/tensor_train.py", "workflow/training/loop.py"):
        with edited(finished.root / source, reworded):
            assert finished.planned() == set()


@pytest.mark.parametrize(
    ("package", "marked", "spared"),
    [
        ("torch", {"train lstm", "train tt_lstm", "collect", "tables"}, {"download", "frames", "splits"}),
        ("opencv-python-headless", {"generate", "frames", "train lstm"}, set()),
        ("matplotlib", {"figures", "report"}, {"frames", "train lstm", "train tt_lstm"}),
    ],
)
def test_a_changed_pin_marks_what_imports_the_package(finished, package, marked, spared):
    with edited(finished.root / "requirements.txt", lambda text: text.replace(f"\n{package}==", f"\n{package}==9")):
        jobs = finished.planned()
    assert marked <= jobs
    assert not spared & jobs


def test_a_changed_pin_of_a_linter_marks_nothing(finished):
    with edited(finished.root / "requirements.txt", lambda text: text.replace("\nruff==", "\nruff==9")):
        assert finished.planned() == set()


def test_an_edit_can_be_declared_harmless_and_hides_no_other_change(finished):
    def declare():
        run = finished.reproduce("harmless")
        assert run.returncode == 0, run.stderr
        return run.stdout

    config = copy.deepcopy(TINY)
    config["models"]["tt_lstm"]["training"] = {"learning_rate": 0.002}
    with edited(finished.root / "workflow/training/step.py", lambda text: text + "\nRENAMED = True\n"):
        assert trained(finished.planned()) == {"train lstm", "train tt_lstm"}
        assert declare().startswith("2 of 2 experiments")
        assert finished.planned() == set()
        finished.write_config(config)
        try:
            assert trained(finished.planned()) == {"train tt_lstm"}
        finally:
            finished.write_config(TINY)
        with edited(finished.root / "baselines/dense.py", lambda text: text + "\nCHANGED = True\n"):
            assert trained(finished.planned()) == {"train lstm"}
    declare()
    assert finished.planned() == set()


def test_another_inventory_unpacks_its_own_data_set_again(finished):
    inventories = finished.root / "workflow/datasets/inventories"
    with edited(inventories / "ucf11.json", lambda text: text.replace('"clips": 1600', '"clips": 1599')):
        assert finished.planned() == set()
    with edited(inventories / "demo.json", lambda text: text.replace('"clips": 400', '"clips": 399')):
        assert {"unpack", "splits", "counts", "tables"} <= finished.planned()
    (inventories / "demo.json").rename(inventories / "aside.json")
    try:
        run = finished.snakemake("-n", "--configfile", "config/tiny.yaml")
    finally:
        (inventories / "aside.json").rename(inventories / "demo.json")
    assert run.returncode != 0
    assert "data set 'demo' needs an inventory" in run.stdout
    assert "Traceback" not in run.stdout


def test_a_new_data_set_makes_nothing_of_the_others_again(finished):
    catalogue = finished.root / "workflow/datasets/catalogue.yaml"
    with edited(catalogue, lambda text: text + text.partition("\ndemo:")[2].join(["\ntoy:", ""])):
        assert finished.planned() == set()
    with edited(catalogue, lambda text: text.replace("generated motions", "other motions")):
        jobs = finished.planned()
    assert {"unpack", "splits", "tables", "report"} <= jobs
    source = '{clips: [{url: "http://localhost/x.zip"}]}'
    with edited(catalogue, lambda text: text.replace("downloads: {} #", f"downloads: {source} #")):
        assert {"download", "unpack"} <= finished.planned()
