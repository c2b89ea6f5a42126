"""After one run with a network nothing needs it any more."""

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from small_data import zip_of

from workflow.datasets import catalogue, download, frames, splits, unpack
from workflow.datasets.source import Source
from workflow.storage.command_line import call
from workflow.storage.files import read_json

NAMES = [f"biking/v_biking_{g:02d}/v_biking_{g:02d}_{c:02d}.avi" for g in (1, 2) for c in (1, 2)]


def steps(folder: Path) -> list[tuple[str, list[str]]]:
    """The command line of each step."""
    common, resources = ["--dataset", "ucf11"], ["--resources", str(folder / "resources")]
    data, origin = ["--output", str(folder)], ["--origin", str(folder / "source.json")]
    size = ["--count", "2", "--width", "8", "--height", "8", "--workers", "2"]
    return [
        ("unpack", [*common, *resources, *data, *origin, "--partial"]),
        ("frames", ["--listing", str(folder / "listing.csv"), *data, *size]),
        ("splits", [*common, "--clips", str(folder / "clips.csv"), *data]),
    ]


@pytest.fixture
def downloaded(tmp_path, server, clip, monkeypatch) -> Path:
    server.files["/set.zip"] = zip_of({name: clip(4) for name in NAMES})
    downloads = {"clips": (Source(server.url("/set.zip")),)}
    monkeypatch.setitem(catalogue.CATALOGUE, "ucf11", replace(catalogue.CATALOGUE["ucf11"], downloads=downloads))
    run_download(tmp_path)
    return tmp_path


def run_download(folder: Path) -> None:
    download.main("ucf11", folder / "resources", folder / "source.json")


def test_steps_after_the_download_connect_to_nothing(downloaded, no_network):
    before = read_json(downloaded / "source.json")
    run_download(downloaded)
    assert read_json(downloaded / "source.json") == before
    for step, arguments in steps(downloaded):
        call({"unpack": unpack, "frames": frames, "splits": splits}[step].main, arguments)
    assert (downloaded / "splits.csv").is_file()


def test_steps_run_in_a_network_namespace_without_any_route(downloaded, root):
    """By their command lines, in processes that have no interface but a dead loopback."""
    alone = ["unshare", "--user", "--map-root-user", "--net"]
    if subprocess.run([*alone, "true"], capture_output=True).returncode != 0:
        pytest.skip("this machine does not let a test make a network namespace")
    for step, arguments in steps(downloaded):
        command = [*alone, sys.executable, "-m", f"workflow.datasets.{step}", *arguments]
        run = subprocess.run(command, cwd=root, capture_output=True, text=True, env={**os.environ})
        assert run.returncode == 0, run.stderr
    assert (downloaded / "splits.csv").is_file()


def test_all_sources_dead_ends_in_one_sentence_and_no_record(tmp_path, server, monkeypatch):
    downloads = {"clips": (Source(server.url("/a.zip")), Source(server.url("/b.zip")))}
    monkeypatch.setitem(catalogue.CATALOGUE, "ucf11", replace(catalogue.CATALOGUE["ucf11"], downloads=downloads))
    with pytest.raises(catalogue.InputError, match=r"no source could be downloaded \(tried 2\)"):
        run_download(tmp_path)
    assert not (tmp_path / "source.json").exists()
