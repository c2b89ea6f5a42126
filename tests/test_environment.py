"""The pins stand in one place; the other files that name versions agree with it."""

import re
import tomllib
from importlib import metadata
from pathlib import Path

import pytest
import rattler
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

ROOT = Path(__file__).resolve().parent.parent


def pins():
    lines = (line.strip() for line in (ROOT / "requirements.txt").read_text().splitlines())
    return [line for line in lines if line and not line.startswith("#")]


def test_every_requirement_is_an_exact_pin():
    assert pins()
    for line in pins():
        assert re.fullmatch(r"[A-Za-z0-9._-]+==[0-9][A-Za-z0-9.]*", line), line
    assert "torch==2.13.0" in pins()


@pytest.mark.parametrize("python", ["3.11.0", "3.12.0", "3.13.0"])  # the first of each that the launcher takes
def test_every_package_that_is_installed_admits_it(python):
    wanted = {line: metadata.metadata(line.partition("==")[0]).get("Requires-Python", "") for line in pins()}
    assert [f"{line} needs {range_}" for line, range_ in wanted.items() if python not in SpecifierSet(range_)] == []


def test_environment_yml_repeats_the_pins_and_parses():
    environment = yaml.safe_load((ROOT / "environment.yml").read_text())
    assert environment.keys() == {"name", "channels", "dependencies"}
    *conda, pip = environment["dependencies"]
    assert sorted(pip["pip"]) == sorted(pins())
    for spec in conda:
        rattler.MatchSpec(spec)
    for line in pip["pip"]:
        Requirement(line)


def test_pyproject_admits_the_pins():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    pinned = {Requirement(line).name: Requirement(line) for line in pins()}
    for line in sum(project["optional-dependencies"].values(), project["dependencies"]):
        wanted = Requirement(line)
        version = next(iter(pinned[wanted.name].specifier)).version
        assert wanted.specifier.contains(version), f"{wanted} does not admit {version}"
