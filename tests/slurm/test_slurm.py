"""The demo's way on a real Slurm, and through what clusters do to jobs: the same numbers as a local run."""

import copy
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from cluster import node_state
from projects import TINY, Project, checkout

pytestmark = [pytest.mark.slurm, pytest.mark.slow]

# what a cluster without accounting needs, and quick questions instead of polite ones
HERE = [
    *("--profile", "profiles/slurm", "--jobs", "8", "--slurm-status-command", "squeue", "--slurm-no-account"),
    *("--slurm-init-seconds-before-status-checks", "1", "--seconds-between-status-checks", "1"),
    *("--latency-wait", "5", "--set-threads", "frames=1", "--slurm-array-jobs", "train"),
]

EPOCHS = 2500


def long_config():
    """Two runs of more than a minute: longer than the shortest time limit that Slurm knows."""
    config = copy.deepcopy(TINY)
    config["training"]["epochs"] = EPOCHS
    return config


def records(project):
    """What must not depend on where and how often a run was interrupted."""
    found = {}
    for path in sorted((project.root / "results" / "tiny" / "runs").rglob("result.json")):
        record = json.loads(path.read_text())
        same = {key: record[key] for key in ("test_accuracy", "best_epoch_accuracy", "best_epoch", "epochs")}
        found[path.parent.as_posix().split("/runs/")[1]] = same, (path.parent / "predictions.csv").read_bytes()
    return found


@pytest.fixture(scope="module")
def local(root, tmp_path_factory):
    """The records of an undisturbed local run."""
    project = Project(checkout(root, tmp_path_factory.mktemp("local")))
    project.write_config(long_config())
    run = project.snakemake("trained", "--configfile", "config/tiny.yaml")
    assert run.returncode == 0, run.stdout
    return records(project)


@pytest.fixture
def project(root, tmp_path):
    project = Project(checkout(root, tmp_path / "checkout"))
    project.write_config(long_config())
    return project


def start(project, *options):
    """Snakemake on the cluster, in the background."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    command = [sys.executable, "-m", "snakemake", "trained", "--configfile", "config/tiny.yaml", *HERE, *options]
    with (project.root / "snakemake.log").open("w") as log:
        return subprocess.Popen(
            command, cwd=project.root, env={**os.environ, "PATH": path}, stdout=log, stderr=subprocess.STDOUT
        )


def training_jobs(cluster):
    """Job ids of running training jobs, array tasks included."""
    listing = cluster.run("squeue", "-h", "-r", "-t", "RUNNING", "-p", "gpu", "-o", "%A")
    return listing.split()


def epochs(project):
    """The epochs that each run has logged so far."""
    streams = (project.root / "results" / "tiny" / "runs").rglob("metrics.jsonl")
    return [len(stream.read_text().splitlines()) for stream in streams]


def finish(running, project):
    code = running.wait(timeout=600)
    assert code == 0, (project.root / "snakemake.log").read_text()[-5000:]


def test_killed_requeued_drained_and_out_of_time_a_run_ends_with_the_same_numbers(cluster, project, local):
    # an option replaces the whole of its key in the profile, so partition and GPU are said again
    resources = ["train:runtime=1", "train:mem_mb=1000", "train:slurm_partition=gpu", "train:gres=gpu:1"]
    running = start(project, "--retries", "20", "--set-resources", *resources)
    try:
        kill(cluster, progressed(cluster, project, 1))
        cluster.run("scontrol", "requeue", progressed(cluster, project, 20))
        job = progressed(cluster, project, 20)
        cluster.run("scontrol", "update", f"nodename={cluster.host}", "state=drain", "reason=test")
        kill(cluster, job)
        cluster.wait(lambda: node_state(cluster).startswith(("drain", "drng")))
        cluster.run("scontrol", "update", f"nodename={cluster.host}", "state=resume")
        finish(running, project)
    finally:
        if running.poll() is None:
            running.terminate()
            running.wait(timeout=60)
        subprocess.run(["scancel", "--user", "root"], check=True)
    assert records(project) == local
    states = cluster.run("squeue", "-h", "-r", "-t", "all", "-p", "gpu", "-o", "%T").split()
    assert {"TIMEOUT", "COMPLETED"} <= set(states), states
    environments = list((project.root / "results" / "tiny" / "runs").rglob("environment.json"))
    assert len(environments) == 2
    assert all("SLURM_JOB_ID" in path.read_text() for path in environments)


def kill(cluster, job):
    cluster.run("scancel", "--signal=KILL", "--full", job)


def progressed(cluster, project, number):
    """A running training job, once the runs have together logged `number` more epochs."""
    before = sum(epochs(project))
    cluster.wait(lambda: sum(epochs(project)) > before + number and training_jobs(cluster), seconds=240)
    return training_jobs(cluster)[0]
