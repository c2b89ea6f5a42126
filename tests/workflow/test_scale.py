"""What a run adds to Snakemake's graph: few edges, since the time of a plan is proportional to them."""

import re
from collections import Counter

import pytest
from projects import TINY


def test_a_run_has_two_edges_in_and_two_out(finished):
    before = graph(finished, TINY)
    after = graph(finished, {**TINY, "seeds": list(range(10))})
    more = {key: after[key] - before[key] for key in after if after[key] != before[key]}
    runs = 9 * len(TINY["models"])
    assert more == {
        ("jobs", "train"): runs,
        ("inputs", "train"): runs,  # one listing of everything that is small
        ("frames", "train"): runs,  # the tensor
        ("train", "collect"): runs,  # gathered once, for tables, figures, report and article
        ("train", "reproduce"): runs,
    }


@pytest.mark.parametrize(
    ("name", "again", "spared"),
    [
        ("runs/demo/pixels/lstm/group/fold0/seed0/result.json", {"train lstm"}, {"train tt_lstm", "frames"}),
        ("data/demo/frames.json", {"frames"}, {"unpack"}),
        ("data/demo/clips.csv", {"frames"}, {"unpack"}),
        ("data/demo/splits.csv", {"splits"}, {"frames"}),
        ("data/demo/splits.json", {"splits"}, {"frames"}),
    ],
)
def test_a_file_that_was_deleted_is_made_again(finished, name, again, spared):
    path = finished.root / "results/tiny" / name
    kept = path.rename(path.with_name("kept"))
    try:
        jobs = finished.planned()
    finally:
        kept.rename(path)
    assert again <= jobs
    assert not spared & jobs


def graph(project, config):
    """Edges of the graph of all jobs by the rules at their ends, and jobs by rule."""
    project.write_config(config)
    try:
        run = project.snakemake("--dag", "--configfile", "config/tiny.yaml")
    finally:
        project.write_config(TINY)
    assert run.returncode == 0, run.stdout
    rules = dict(re.findall(r'^\s*(\d+)\[label = "(\w+)', run.stdout, flags=re.MULTILINE))
    edges = re.findall(r"^\s*(\d+) -> (\d+)", run.stdout, flags=re.MULTILINE)
    count = Counter((rules[above], rules[below]) for above, below in edges)
    return count + Counter(("jobs", rule) for rule in rules.values())
