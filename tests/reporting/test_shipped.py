"""What is committed of a folder of results: the same tables, without weights, names of clips and paths."""

import pytest
from synthetic_records import record, write_leakage, write_run

from workflow.experiments import curves
from workflow.experiments.configuration import complete
from workflow.experiments.configuration_file import load, resolved
from workflow.reporting import records
from workflow.reporting.results import gather
from workflow.reporting.shipped import ship
from workflow.reporting.tables import accuracy, leakage, siblings
from workflow.storage import files, seal
from workflow.storage.errors import InputError

CONFIG = {
    "name": "small",
    "datasets": {"demo": {"source": "/data/mine", "partial": True}},
    "inception_v3": {"weights": "/data/mine/weights.pth"},
    "frames": {"width": 40, "height": 30},
    "folds": [0, 1],
    "seeds": [0, 1],
    "models": {
        "lstm": {"format": "dense", "hidden_size": 8},
        "gru": {"format": "dense", "hidden_size": 8, "cell": "gru"},
    },
}


@pytest.fixture
def results(tmp_path):
    root = tmp_path / "results"
    files.write_text(root / "config.yaml", resolved(complete(CONFIG)))
    for model, protocol, fold, seed in (
        (m, p, f, s) for m in CONFIG["models"] for p in ("group", "random") for f in (0, 1) for s in (0, 1)
    ):
        folder = write_run(root, record(model, protocol, fold, seed))
        (folder / "specification.yaml").unlink()  # of another model
        (folder / "model.safetensors").write_bytes(b"weights")
        names = [path.name for path in folder.iterdir() if path.name != "result.json"]
        seal.write(folder / "result.json", files.known_json(folder / "result.json"), names)
    write_leakage(root)
    files.write_json(root / "data/demo/frames.json", {"classes": ["up", "down"], "shortened": {"synthetic/1.avi": 3}})
    return gather(root)


def test_tables_are_the_same_without_weights_names_and_paths(results, tmp_path):
    target = tmp_path / "shipped"
    size = ship(results, target)
    written = [path for path in target.rglob("*") if path.is_file()]
    assert size == sum(path.stat().st_size for path in written)
    assert not [path for path in written if path.suffix in (".safetensors", ".avi")]
    assert not [path for path in written if "synthetic/" in path.read_text() or "/data/mine" in path.read_text()]
    detailed = {path.parent.parent.name + path.parent.name for path in target.rglob("metrics.jsonl")}
    assert detailed == {"fold0seed0"}
    for file in target.rglob("metrics.jsonl"):
        assert curves.read(file) == curves.read(results.root / file.relative_to(target))
    again = gather(target)
    assert again.excluded.empty
    assert again.partial("demo")
    for before, after in ((path, target / path.relative_to(results.root)) for path in records.find(results.root)):
        assert files.known_json(before) == files.known_json(after)
        assert not seal.broken(files.known_json(after))
    for table in (accuracy, siblings, leakage):
        assert table.build(again).to_csv() == table.build(results).to_csv()


def test_what_was_shipped_before_is_replaced(results, tmp_path):
    target = tmp_path / "shipped"
    write_run(target, record("old_lstm"))
    (target / "README.md").write_text("kept\n")
    ship(results, target)
    ship(results, target)
    assert sorted(path.name for path in target.iterdir()) == ["README.md", "config.yaml", "data", "runs"]
    assert set(records.read(target)["model"]) == set(CONFIG["models"])
    assert load(target / "config.yaml").name == "small"


def test_a_run_that_failed_before_its_first_epoch_has_its_record_alone(results, tmp_path):
    nothing = dict.fromkeys(("test_accuracy", "best_epoch_accuracy", "validation_accuracy", "best_epoch", "step_ms"))
    failed = record("lstm") | nothing | {"status": "failed", "failure": "out of memory", "epochs": 0}
    folder = write_run(results.root, failed, extras=False)
    for file in folder.iterdir():
        if file.name != "result.json":
            file.unlink()
    ship(gather(results.root), tmp_path / "shipped")
    shipped = tmp_path / "shipped" / folder.relative_to(results.root)
    assert [path.name for path in shipped.iterdir()] == ["result.json"]


def test_a_damaged_record_ships_nothing(results, tmp_path):
    target = tmp_path / "shipped"
    ship(results, target)
    before = {path: path.read_bytes() for path in target.rglob("*") if path.is_file()}
    broken = records.find(results.root)[3]
    broken.write_text(broken.read_text().replace('"epochs": 20', '"epochs": 21'))
    with pytest.raises(InputError, match=r"result\.json: damaged: checksum mismatch; rerun") as caught:
        ship(gather(results.root), target)
    assert "\n" not in str(caught.value)
    assert {path: path.read_bytes() for path in target.rglob("*") if path.is_file()} == before
    with pytest.raises(InputError, match="expected the results of a configuration"):
        ship(gather(tmp_path / "results" / "runs"), target)
