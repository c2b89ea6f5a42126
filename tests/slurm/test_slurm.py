"""The demo's way on a real Slurm, and through what clusters do to jobs: the same numbers as a local run."""

import copy
import json
import os
import re
import signal
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
CONFIG = {**copy.deepcopy(TINY), "training": {**TINY["training"], "epochs": 100 * FEW}}
LONG = 1200  # seconds until something counts as hanging

MANY = 12  # runs, of which two run at a time
QUEUE = {**TINY, "seeds": list(range(MANY)), "models": {"nearest_neighbour": {"format": "nearest_neighbour"}}}


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
def test_killed_requeued_drained_and_out_of_time_a_run_ends_with_the_same_numbers(
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
    for record in records(project):
        assert record["interruptions"] > 0, f"told to leave, {record['model']} saves and goes on"
        assert {"SLURM_JOB_ID"} <= record["environment"]["scheduler"].keys()
        assert record["environment"]["variables"]["CUDA_VISIBLE_DEVICES"] in ("0", "1")


def test_every_run_of_a_long_queue_is_trained_even_when_some_are_cancelled(cluster, project, running):
    cluster.run("scontrol", "update", "partitionname=gpu", "state=down")  # jobs wait there
    try:
        cluster.wait(lambda: len(trains(cluster, project, "PENDING")) == MANY, seconds=LONG)
        cluster.run("scancel", trains(cluster, project, "PENDING")[0])
    finally:
        cluster.run("scontrol", "update", "partitionname=gpu", "state=up")
    cluster.wait(lambda: cancelled(cluster, cluster.wait(lambda: trains(cluster, project, "RUNNING"))[0]))
    assert running.wait(timeout=LONG) == 0, (project.root / "snakemake.log").read_text()[-5000:]
    assert [record["seed"] for record in records(project, MANY)] == sorted(range(MANY), key=str)
    assert len(trains(cluster, project)) == MANY + 2


def test_an_array_trains_what_is_left_and_a_task_whose_time_ends_goes_on(cluster, root, tmp_path):
    config = {**CONFIG, "seeds": [0, 1]}
    project = prepared(root, tmp_path / "checkout", config)
    (project.root / ".venv").symlink_to(Path(sys.executable).parents[1])
    reproduce = [sys.executable, "reproduce", "config/tiny.yaml", "array", "--set-threads", "frames=1"]
    told = subprocess.run(reproduce, cwd=project.root, text=True, capture_output=True, check=True).stdout
    assert "4 runs are left" in told
    submit = next(line for line in told.splitlines() if "sbatch" in line)
    subprocess.run(["bash", "-c", submit], cwd=project.root, check=True)
    process, _ = frozen(cluster, project, "tt_lstm")
    task = "{SLURM_ARRAY_JOB_ID}_{SLURM_ARRAY_TASK_ID}".format(**process.environ())  # its job may be the array's
    cluster.run("scancel", "--signal=USR1", "--batch", task)  # what Slurm sends two minutes before the end
    cluster.wait(lambda: has_been_told(process))
    process.resume()
    results = project.root / "results" / "tiny" / "runs"
    cluster.wait(lambda: len(list(results.rglob("result.json"))) == 4, seconds=LONG)
    local = prepared(root, tmp_path / "local", config)
    undisturbed = local.snakemake("trained", "--configfile", "config/tiny.yaml")
    assert undisturbed.returncode == 0, undisturbed.stdout
    assert scores(project, 4) == scores(local, 4)
    assert sorted(record["interruptions"] for record in records(project, 4)) == [0, 0, 0, 1]
    cluster.wait(lambda: not trains(cluster, project, "RUNNING,PENDING,COMPLETING"))
    assert project.planned("trained") == set(), "what the tasks made counts as made"


def prepared(root, folder, config):
    project = Project(checkout(root, folder))
    project.write_config(config)
    return project


def frozen(cluster, project, model):
    """The process that trains `model`, stopped once it has logged a few more epochs, and its job.

    Stopped, so that what is done to it next meets an unfinished run however fast this machine is. Slurm makes a
    stopped process go on when it tells it to leave.
    """
    first = {}  # epochs of each process's run when it was seen first, or has taken back what no checkpoint remembers

    def at_work():
        for process, stream in trainers(project, model):
            logged = len(stream.read_text().splitlines()) if stream.is_file() else 0
            first[process.pid] = min(logged, first.get(process.pid, logged))
            if logged >= first[process.pid] + FEW:
                return process
        return None

    process = cluster.wait(at_work, seconds=LONG)
    process.suspend()
    return process, process.environ()["SLURM_JOB_ID"]


def trainers(project, model):
    """The processes that train `model` in this project, and the streams of their metrics."""
    for process in psutil.process_iter():
        try:
            words = process.cmdline()
            if words[1:3] == ["-m", "workflow.training.run"] and Path(process.cwd()) == project.root:
                output = words[words.index("--output") + 1]
                if f"/{model}/" in output:
                    yield process, project.root / output / "metrics.jsonl"
        except psutil.Error:
            continue


def has_been_told(process):
    """Whether SIGTERM waits for this stopped process."""
    waiting = re.search(r"^ShdPnd:\s*(\w+)", Path(f"/proc/{process.pid}/status").read_text(), re.MULTILINE)[1]
    return bool(int(waiting, 16) & 1 << signal.SIGTERM - 1)


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
    """The jobs of this project's runs."""
    listing = cluster.run("squeue", "-h", "-r", "-t", state, "-p", "gpu", "-o", "%i %Z").splitlines()
    return [line.split()[0] for line in listing if line.endswith(f" {project.root}")]


def records(project, count=2):
    found = sorted((project.root / "results" / "tiny" / "runs").rglob("result.json"))
    assert len(found) == count
    return [
        {**json.loads(path.read_text()), "environment": json.loads(path.with_name("environment.json").read_text())}
        for path in found
    ]


def scores(project, count=2):
    """What must not depend on where and how often a run was interrupted."""
    same = ("model", "test_accuracy", "best_epoch_accuracy", "best_epoch", "epochs")
    return [{key: record[key] for key in same} for record in records(project, count)]
