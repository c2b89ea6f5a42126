"""The two recipes of containers/ are the environment that ./reproduce wants. No engine builds them here."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
RECIPES = [ROOT / "containers" / name for name in ("Dockerfile", "apptainer.def")]


def text(recipe):
    """The recipe with its continued lines joined and its comments left out."""
    lines = [line for line in recipe.read_text().splitlines() if not line.startswith("#")]
    return re.sub(r" *\\\n *", " ", "\n".join(lines))


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda path: path.name)
def test_a_recipe_installs_the_pins_and_starts_the_launcher(recipe):
    said = text(recipe)
    assert re.search(r"^From:? python:3\.11-slim", said, flags=re.MULTILINE | re.IGNORECASE)
    assert "pip install --no-cache-dir -r /opt/requirements.txt" in said
    assert "REPRODUCE_ENVIRONMENT=/opt/environment PATH=/opt/environment/bin:$PATH" in said
    assert "./reproduce" in said.splitlines()[-1]
    for program in ("latexmk", "texlive-latex-extra", "texlive-science", "texlive-fonts-recommended", "git"):
        assert program in re.search(r"apt-get install[^&]*", said)[0].split()


def test_the_recipes_say_the_same():
    docker, apptainer = (set(re.split(r" && |\n", text(recipe))) for recipe in RECIPES)
    commands = {
        command.removeprefix("RUN ").strip() for command in docker if "install" in command or "sha256" in command
    }
    assert commands <= {command.strip() for command in apptainer}


def test_what_is_copied_exists_and_is_not_ignored():
    copied = re.findall(r"^COPY (\S+) ", text(RECIPES[0]), flags=re.MULTILINE)
    copied += re.findall(r"^ +(\S+) /opt/\S+$", text(RECIPES[1]), flags=re.MULTILINE)
    assert copied == ["requirements.txt", "requirements.txt"]
    assert "!requirements.txt" in (ROOT / ".dockerignore").read_text().splitlines()


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda path: path.name)
def test_the_launcher_takes_the_environment_of_the_image_for_its_own(recipe, tmp_path):
    project, opt = tmp_path / "project", tmp_path / "opt"
    programs = opt / "environment" / "bin"
    programs.mkdir(parents=True)
    project.mkdir()
    for name in ("reproduce", "requirements.txt"):
        shutil.copy2(ROOT / name, project / name)
    for name in ("config", "workflow"):
        shutil.copytree(ROOT / name, project / name)
    shutil.copy2(ROOT / "requirements.txt", opt)
    python = programs / "python"
    python.write_text('#!/bin/sh\necho "started $*"\n')
    python.chmod(0o755)
    (stamp,) = re.findall(r"sha256sum .*", text(recipe))
    subprocess.run(stamp.replace("/opt/", f"{opt}/"), shell=True, check=True)
    run = subprocess.run(
        [sys.executable, "./reproduce", "demo", "-n"],
        cwd=project,
        env={**os.environ, "REPRODUCE_ENVIRONMENT": str(opt / "environment")},
        capture_output=True,
        text=True,
    )
    assert (run.returncode, run.stdout.split()[0], run.stderr) == (0, "started", "")
    assert not (project / ".venv").exists()
