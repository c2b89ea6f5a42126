"""`run` on a finished project: a variant of it, and a run done again, leave everything else as it is."""

import json
import re

import pytest
from projects import TINY

from workflow.reporting.results import gather
from workflow.reporting.tables import excluded

RUN = "demo/pixels/tt_lstm/group/fold0/seed0"


def test_a_variant_is_trained_beside_the_base_and_the_base_stays_up_to_date(finished):
    base = finished.root / "results" / "tiny"
    before = {path: path.stat().st_mtime_ns for path in base.rglob("*") if path.is_file() and "logs" not in path.parts}
    ran = run(finished, "demo", "pixels", "tt_lstm", "--set", "training.learning_rate=0.01", "--set", "seeds=[0, 1]")
    variant = next(folder for folder in base.parent.glob("tiny-*") if (folder / "runs").is_dir())
    assert f"{variant.name}/runs" in ran.stderr
    assert len(list((variant / "runs").rglob("result.json"))) == 2
    assert "learning_rate: 0.01\n" in (variant / "runs" / RUN / "specification.yaml").read_text()
    assert not (variant / "data").exists(), "the data of the base are used"
    assert {path: path.stat().st_mtime_ns for path in before} == before
    assert finished.planned() == set()


def test_a_run_done_again_makes_the_tables_again_and_trains_nothing_else(finished):
    with finished.restored() as results:
        record = results / "runs" / RUN / "result.json"
        before = json.loads(record.read_text())
        run(finished, "demo", "pixels", "tt_lstm", "--force")
        after = json.loads(record.read_text())
        assert before["train_seconds"] != after["train_seconds"], "it has been trained again"
        assert before["test_accuracy"] == after["test_accuracy"]
        jobs = finished.planned()
        made = finished.snakemake("--configfile", "config/tiny.yaml", "--", "results/tiny/tables/accuracy.csv")
        assert made.returncode == 0, made.stdout
    assert {"collect", "tables", "figures", "report"} <= jobs
    assert not {job for job in jobs if job.startswith("train")}


def test_one_run_of_an_experiment_and_then_the_rest(finished):
    words = ("demo", "pixels", "tt_lstm", "--set", "seeds=[0, 1, 2]", "--set", "training.batch_size=32")
    ran = run(finished, *words, "--seed", "1")
    variant = finished.root / re.search(r"-> (results/tiny-\w+)/runs", ran.stderr)[1]
    assert [path.parent.name for path in variant.rglob("result.json")] == ["seed1"]
    alone = next(variant.rglob("result.json")).read_bytes()
    assert "Nothing to be done" in run(finished, *words, "--seed", "1").stderr
    run(finished, *words)
    records = {path.parent.name: path.read_bytes() for path in variant.rglob("result.json")}
    assert sorted(records) == ["seed0", "seed1", "seed2"]
    assert records["seed1"] == alone
    assert "Nothing to be done" in run(finished, *words, "--seed", "2").stderr
    assert "Nothing to be done" in run(finished, *words).stderr
    planned = run(finished, *words, "--seed", "2", "--force", "-n")
    assert "train" in planned.stdout
    assert {path.parent.name: path.read_bytes() for path in variant.rglob("result.json")} == records
    run(finished, *words, "--seed", "2", "--force")
    again = {path.parent.name: path.read_bytes() for path in variant.rglob("result.json")}
    assert [name for name in records if again[name] != records[name]] == ["seed2"]
    assert "Nothing to be done" in run(finished, *words).stderr


def run(project, *words):
    """`./reproduce tiny run WORDS`."""
    ran = project.reproduce("run", *words, "--cores", "2")
    assert ran.returncode == 0, ran.stderr
    return ran


def test_a_seed_that_was_added_and_run_alone_is_in_the_tables(finished):
    with finished.restored() as results:
        finished.write_config({**TINY, "seeds": [0, 1]})
        try:
            run(finished, "demo", "pixels", "tt_lstm", "--seed", "1")
            found = gather(results)
        finally:
            finished.write_config(TINY)
    assert found.by_run("final_epoch_accuracy", *RUN.split("/")[:4]).index.tolist() == [(0, 0), (0, 1)]
    assert excluded.build(found)[["model", "seed", "status"]].values.tolist() == [["lstm", 1, "missing"]]
    assert finished.planned() == set()


@pytest.mark.parametrize("name", ["result.json", "predictions.csv"])
def test_a_record_that_cannot_be_read_is_one_sentence_and_is_not_replaced(finished, name):
    """A folder in its place: root may read everything."""
    path = finished.root / "results/tiny/runs" / RUN / name
    kept = path.rename(path.with_name("kept"))
    path.mkdir()
    try:
        done = finished.reproduce("--cores", "2")
    finally:
        path.rmdir()
        kept.rename(path)
    _, *errors = done.stderr.splitlines()  # the first names Snakemake's profile
    where = path.relative_to(finished.root)
    assert (done.returncode, errors) == (1, [f"error: {where}: Is a directory; expected a record that can be read"])
    assert finished.planned() == set()
