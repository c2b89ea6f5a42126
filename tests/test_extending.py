"""docs/extending.md is true: the five additions that it shows, made in a copy of the project, reach the report."""

import json
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from projects import Project, checkout

CONFIG = {
    "name": "mine",
    "datasets": {"toy": {"source": "toy"}},
    "front_ends": ["pixels", "mean_colour"],
    "frames": {"count": 4, "width": 20, "height": 15},
    "protocols": ["random", "group"],
    "folds": [0],
    "seeds": [0],
    "training": {"epochs": 1, "batch_size": 64},
    "models": {"low_rank_lstm": {"format": "low_rank", "hidden_size": 8, "rank": 2}},
}


def python(project: Path, *arguments: str) -> None:
    subprocess.run([sys.executable, "-m", *arguments], cwd=project, check=True, capture_output=True)


@pytest.fixture
def copy(root, tmp_path) -> Path:
    """The project with every block of the page written to the file that its first line names."""
    project = checkout(root, tmp_path / "project")
    page = (project / "docs" / "extending.md").read_text(encoding="utf-8")
    blocks = re.findall(r"```(?:python|yaml)\n# (\S+)\n(.*?)```", page, re.DOTALL)
    assert len(blocks) == 5
    for name, text in blocks:
        file = project / name
        file.write_text((file.read_text(encoding="utf-8") + "\n\n" if file.exists() else "") + text, encoding="utf-8")
    return project


@pytest.mark.slow
def test_one_of_each_reaches_the_report(copy):
    archive = copy / "resources" / "demo" / "demo.zip"
    python(copy, "workflow.datasets.generate", "--output", str(archive))
    with zipfile.ZipFile(archive) as clips:  # the clips of the toy set: two classes of the generated one
        names = [name for name in clips.namelist() if re.search(r"move_(left|up)/.*\.\w+$", name)]
        clips.extractall(copy / "toy", names)
    (copy / "toy.txt").write_text("\n".join(names), encoding="utf-8")
    python(copy, "workflow.datasets.make_inventories", "--dataset", "toy", "--names", "toy.txt")
    project = Project(copy)
    project.write_config(CONFIG, "mine")
    files = ["tables/range.csv", "figures/captions.json", "report.html"]
    done = project.snakemake("--configfile", "config/mine.yaml", "--", *(f"results/mine/{name}" for name in files))
    assert done.returncode == 0, done.stdout
    results = copy / "results" / "mine"
    rows = (results / "tables" / "range.csv").read_text(encoding="utf-8").splitlines()
    described = json.loads((results / "tables" / "range.csv-metadata.json").read_text(encoding="utf-8"))["tableSchema"]
    assert [column["dc:description"] for column in described["columns"]][-1] == "highest test accuracy of a run"
    places = [
        f"toy,{front_end},low_rank_lstm,{protocol}"
        for front_end in ("pixels", "mean_colour")
        for protocol in ("group", "random")
    ]
    assert sorted(row.rsplit(",", 2)[0] for row in rows[1:]) == sorted(places)
    assert (results / "figures" / "seeds.pdf").is_file()
    report = (results / "report.html").read_text(encoding="utf-8")
    for shown in ("Toy clips", "mean colour", "Range of accuracies on", "one point per run"):
        assert shown in report
