"""The demo's way on a real Slurm, and through what clusters do to jobs: the same numbers as a local run."""

import copy
import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import psutil
import pytest
from cluster import node_state
from projects import TINY, Project, checkout

pytestmark = [pytest.mark.slurm, pytest.mark.slow]

# what a cluster without accounting needs, and quick questions instead of polite ones
HERE = [
    *("--profile", "profiles/slurm", "--slurm-status-command", "squeue", "--slurm-no-account"),
    *("--slurm-init-seconds-before-status-checks", "1", "--seconds-between-status-checks", "1"),
    *("--latency-wait", "5", "--set-threads", "frames=1", "--retries", "20"),
    # an option replaces the whole of its key in the profile, so partition and GPU are said again
    *("--set-resources", "train:runtime=attempt", "train:mem_mb=1000", "train:slurm_partition=gpu", "train:gres=gpu:1"),
]
FEW = 5  # epochs between two disturbances
CONFIG = {**copy.deepcopy(TINY), "seeds": [0, 1], "training": {**TINY["training"], "epochs": 50 * FEW}}
LONG = 1200  # seconds until something counts as hanging

MANY = 8  # experiments that train, of which two run at a time
QUEUE = {**TINY, "models": {f"lstm_{number}": {"format": "dense", "hidden_size": 4} for number in range(MANY)}}
FITTED = {**TINY, "models": {"nearest_neighbour": {"format": "nearest_neighbour"}, "linear": {"format": "linear"}}}


@pytest.fixture
def project(root, tmp_path, request):
    return prepared(root, tmp_path / "checkout", getattr(request, "param", QUEUE))


@pytest.fixture
def running(cluster, project):
    """Snakemake on the cluster, in the background."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    command = [sys.executable, "-m", "snakemake", "trained", "--configfile", "config/tiny.yaml", *HERE]
    with (project.root / "snakemake.log").open("w") as log:
        process = subprocess.Popen(
            command, cwd=project.root, env={**os.environ, "PATH": path}, stdout=log, stderr=subprocess.STDOUT
        )
    yield process
    process.kill()
    process.wait()
    cluster.end_jobs()


@pytest.mark.parametrize("project", [CONFIG], indirect=True)
def test_killed_requeued_drained_and_out_of_time_an_experiment_ends_with_the_same_numbers(
    cluster, project, running, root, tmp_path
):
    with ThreadPoolExecutor() as pool:  # both at once: while one is waited for, the other might end
        _, (process, _) = pool.map(partial(frozen, cluster, project), ["lstm", "tt_lstm"])  # lstm until its time ends
    process.kill()
    _, job = frozen(cluster, project, "tt_lstm")
    cluster.run("scontrol", "requeue", job)
    _, job = frozen(cluster, project, "tt_lstm")
    cluster.run("scontrol", "update", f"nodename={cluster.host}", "state=drain", "reason=test")
    cluster.run("scancel", job)
    cluster.wait(lambda: "PENDING" in states(cluster))
    assert node_state(cluster).startswith("dr"), "the node takes no job"
    cluster.run("scontrol", "update", f"nodename={cluster.host}", "state=resume")
    local = prepared(root, tmp_path / "local", CONFIG)
    undisturbed = local.snakemake("trained", "--configfile", "config/tiny.yaml")
    assert undisturbed.returncode == 0, undisturbed.stdout
    assert running.wait(timeout=LONG) == 0, (project.root / "snakemake.log").read_text()[-5000:]
    assert scores(project) == scores(local)
    assert {"FAILED", "CANCELLED", "TIMEOUT", "COMPLETED"} <= set(states(cluster))
    for model in CONFIG["models"]:
        interruptions = [record["interruptions"] for record in records(project) if record["model"] == model]
        assert sum(interruptions) > 0, f"asked to leave, {model} saves and resumes"
    for record in records(project):
        assert {"SLURM_JOB_ID"} <= record["environment"]["scheduler"].keys()
        assert record["environment"]["variables"]["CUDA_VISIBLE_DEVICES"] in ("0", "1")


def test_every_experiment_of_a_long_queue_is_trained_even_when_some_are_cancelled(cluster, project, running):
    cluster.run("scontrol", "update", "partitionname=gpu", "state=down")  # jobs wait there
    try:
        cluster.wait(lambda: len(trains(cluster, project, "PENDING")) == MANY, seconds=LONG)
        cluster.run("scancel", trains(cluster, project, "PENDING")[0])
    finally:
        cluster.run("scontrol", "update", "partitionname=gpu", "state=up")
    cluster.wait(lambda: cancelled(cluster, cluster.wait(lambda: trains(cluster, project, "RUNNING"))[0]))
    assert running.wait(timeout=LONG) == 0, (project.root / "snakemake.log").read_text()[-5000:]
    assert {record["model"] for record in records(project, MANY)} == set(QUEUE["models"])
    assert len(trains(cluster, project)) == MANY + 2


@pytest.mark.parametrize("project", [FITTED], indirect=True)
def test_fitted_baselines_ask_for_no_gpu(cluster, project, running):
    cluster.run("scontrol", "update", "partitionname=gpu", "state=down")
    try:
        assert running.wait(timeout=LONG) == 0, (project.root / "snakemake.log").read_text()[-5000:]
    finally:
        cluster.run("scontrol", "update", "partitionname=gpu", "state=up")
    for record in records(project, len(FITTED["models"])):
        assert record["environment"]["scheduler"]["SLURM_JOB_PARTITION"] == "cpu"
        assert "CUDA_VISIBLE_DEVICES" not in record["environment"]["variables"]


def prepared(root, folder, config):
    project = Project(checkout(root, folder))
    project.write_config(config)
    return project


def frozen(cluster, project, model):
    """The process that trains `model`, stopped once its runs have logged a few more epochs, and its job.

    Stopped, so that what is done to it next meets an unfinished run however fast this machine is. Slurm makes a
    stopped process go on when it tells it to leave.
    """
    first = {}  # epochs of each process's runs when it was seen first, or has taken back what no checkpoint remembers

    def at_work():
        for process, folder in trainers(project, model):
            logged = sum(len(stream.read_text().splitlines()) for stream in folder.rglob("metrics.jsonl"))
            first[process.pid] = min(logged, first.get(process.pid, logged))
            if logged >= first[process.pid] + FEW:
                return process
        return None

    process = cluster.wait(at_work, seconds=LONG)
    process.suspend()
    return process, process.environ()["SLURM_JOB_ID"]


def trainers(project, model):
    """The processes that train `model` in this project, and the folders of its runs."""
    for process in psutil.process_iter():
        try:
            words = process.cmdline()
            ours = words[1:3] == ["-m", "workflow.training.experiment"] and Path(process.cwd()) == project.root
            if ours and json.loads(words[words.index("--specification") + 1])["model"] == model:
                yield process, project.root / "results/tiny/runs/demo/pixels" / model
        except psutil.Error:
            continue


def cancelled(cluster, job):
    """Cancel a job; whether it was still running."""
    cluster.run("scancel", job)
    ended = ("CANCELLED", "COMPLETED", "FAILED")
    return cluster.wait(lambda: (state := state_of(cluster, job)) in ended and state) == "CANCELLED"


def state_of(cluster, job):
    return cluster.run("squeue", "-h", "-t", "all", "-j", job, "-o", "%T").strip()


def states(cluster):
    """States of all training jobs so far."""
    return cluster.run("squeue", "-h", "-r", "-t", "all", "-p", "gpu", "-o", "%T").split()


def trains(cluster, project, state="all"):
    """The training jobs of this project."""
    listing = cluster.run("squeue", "-h", "-r", "-t", state, "-p", "gpu", "-o", "%i %Z").splitlines()
    return [line.split()[0] for line in listing if line.endswith(f" {project.root}")]


def records(project, count=4):
    found = sorted((project.root / "results" / "tiny" / "runs").rglob("result.json"))
    assert len(found) == count
    return [
        {**json.loads(path.read_text()), "environment": json.loads(path.with_name("environment.json").read_text())}
        for path in found
    ]


def scores(project):
    """What must not depend on where and how often a run was interrupted."""
    same = ("model", "seed", "test_accuracy", "best_epoch_accuracy", "best_epoch", "epochs")
    return [{key: record[key] for key in same} for record in records(project)]
