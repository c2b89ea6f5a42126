"""The user's own copy in place of the download, and copies that cannot be used."""

import copy
import json
import os
import shutil

import pytest
from projects import TINY, Project, checkout

OWN = copy.deepcopy(TINY)
OWN["name"] = "own"
OWN["datasets"] = {"ucf11": {"partial": True}}
OWN["frames"] = {"count": 3, "width": 20, "height": 15}


@pytest.fixture
def project(root, tmp_path) -> Project:
    return Project(checkout(root, tmp_path / "checkout"))


def run(project, source, *options, **changes):
    config = copy.deepcopy(OWN)
    config["datasets"]["ucf11"] |= {"source": str(source), **changes}
    project.write_config(config, "own")
    return project.snakemake(*options, "--configfile", "config/own.yaml")


def part_of(clips, folder, classes, groups):
    """A few clips of a real copy, in its layout."""
    for name in classes:
        for group in sorted(path for path in (clips / name).iterdir() if path.is_dir())[:groups]:
            target = folder / name / group.name
            target.mkdir(parents=True)
            for clip in sorted(group.iterdir())[:2]:
                shutil.copy2(clip, target / clip.name)
    return folder


@pytest.fixture
def few_clips(real_clips, tmp_path):
    return part_of(real_clips, tmp_path / "clips", ["basketball", "diving"], 4)


@pytest.fixture(scope="module")
def complete(root, real_clips, tmp_path_factory):
    """A project with all results of a few real clips, and the folder of these clips."""
    folder = tmp_path_factory.mktemp("own")
    made = Project(checkout(root, folder / "checkout"))
    clips = part_of(real_clips, folder / "clips", ["basketball", "diving"], 4)
    done = run(made, clips)
    assert done.returncode == 0, done.stdout
    return made, clips


def test_real_clips_from_the_folder_to_the_table(complete):
    project, _ = complete
    results = project.root / "results" / "own"
    records = [json.loads(path.read_text()) for path in results.rglob("result.json")]
    assert sorted(record["model"] for record in records) == ["lstm", "tt_lstm"]
    assert {record["status"] for record in records} == {"ok"}
    assert "tt_lstm" in (results / "tables" / "accuracy.csv").read_text()
    assert not (project.root / "resources").exists() or not list((project.root / "resources").rglob("archives"))


def test_a_folder_that_has_moved_is_read_at_its_new_place_and_trains_nothing(complete):
    project, clips = complete
    listing = project.root / "results" / "own" / "data" / "ucf11" / "listing.csv"
    moved = clips.rename(clips.with_name("moved"))
    try:
        done = run(project, moved, "prepared")
        assert done.returncode == 0, done.stdout
        assert f"{moved}/" in listing.read_text()
        assert f"{clips}/" not in listing.read_text()
        assert "Training" not in run(project, moved, "-n").stdout
    finally:
        moved.rename(clips)
    assert run(project, clips, "prepared").returncode == 0


def test_a_clip_more_is_noticed(complete, real_clips):
    project, clips = complete
    for path in clips.rglob("*"):  # as against scratch purging
        os.utime(path)
    (clips / "Thumbs.db").write_bytes(b"of a file manager")
    assert "Nothing to be done" in run(project, clips, "prepared").stdout
    part_of(real_clips, clips, ["biking"], 4)
    again = run(project, clips, "-n", "prepared")
    assert "Decoding ucf11" in again.stdout


def test_a_folder_that_is_not_there(project, tmp_path):
    done = run(project, tmp_path / "nowhere")
    assert done.returncode != 0
    assert f"error: {tmp_path / 'nowhere'}: no such file or folder" in done.stdout
    assert "Traceback" not in done.stdout
    assert not (project.root / "results" / "own" / "data").exists()


def test_the_home_of_the_user_may_be_meant(project, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    error = f"error: {tmp_path / 'nowhere'}: no such file or folder"
    assert error in run(project, "~/nowhere").stdout
    assert error in run(project, "", "--config", 'datasets={"ucf11": {"source": "~/nowhere"}}').stdout
    assert f"error: {project.root / 'nowhere'}: no such file or folder" in run(project, "nowhere").stdout


def test_an_empty_class(project, few_clips):
    (few_clips / "biking").mkdir()
    done = run(project, few_clips, "prepared")
    assert done.returncode != 0
    assert "biking" in done.stdout
    assert "Traceback" not in done.stdout
    assert not (project.root / "results" / "own" / "data" / "ucf11" / "frames.npy").exists()


def test_a_part_that_cannot_be_split_is_refused_before_it_is_decoded(project, few_clips, real_clips):
    part_of(real_clips, few_clips, ["biking"], 2)  # one of two sources is tested, the other would be validation
    done = run(project, few_clips, "prepared")
    assert done.returncode != 0
    assert "error: a validation part would leave class 'biking' no training clip" in done.stdout
    assert not list((project.root / "results/own/data/ucf11").glob("frames*"))
    project.write_config({**OWN, "splits": {"validation": {"group": 0}}}, "own")
    source = f'datasets={{"ucf11": {{"source": "{few_clips}"}}}}'
    done = project.snakemake("prepared", "--configfile", "config/own.yaml", "--config", source)
    assert done.returncode == 0, done.stdout


def test_a_clip_that_does_not_decode_counts_against_the_limit(project, few_clips):
    broken = next(few_clips.rglob("*.avi"))
    broken.write_bytes(b"RIFF nothing of the kind")
    done = run(project, few_clips, "prepared")
    assert done.returncode != 0
    assert broken.name in done.stdout
    assert "max_undecodable" in done.stdout
    assert "Traceback" not in done.stdout
    assert not (project.root / "results" / "own" / "data" / "ucf11" / "frames.json").exists()
    done = run(project, few_clips, "prepared", max_undecodable=0.5)
    assert done.returncode == 0, done.stdout
    clips = (project.root / "results" / "own" / "data" / "ucf11" / "clips.csv").read_text()
    assert sum(broken.name in line and ",ok" not in line for line in clips.splitlines()) == 1
