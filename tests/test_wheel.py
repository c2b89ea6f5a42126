"""`pip install .` installs the layers, and nothing else of the project."""

import os
import subprocess
import sys
import zipfile
from importlib.metadata import distributions

import pytest
import yaml
from projects import checkout

import fdht


@pytest.fixture(scope="module")
def wheel(root, tmp_path_factory):
    if not {"pip", "setuptools"} <= {distribution.name for distribution in distributions()}:
        pytest.skip("building a wheel needs pip and setuptools, which this environment lacks")
    folder = tmp_path_factory.mktemp("wheel")
    project = checkout(root, folder / "project")
    build = ["wheel", "--no-deps", "--no-build-isolation", "--no-index", "--wheel-dir", folder, project]
    run = subprocess.run([sys.executable, "-m", "pip", *build], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout + run.stderr
    (found,) = folder.glob("*.whl")
    return found


def test_it_has_the_files_of_fdht_alone(wheel, root):
    names = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    files = {path.relative_to(root).as_posix() for path in (root / "fdht").rglob("*.py")}
    assert names == files | {"fdht/py.typed"}


def test_its_version_is_that_of_the_package_and_of_the_citation(wheel, root):
    assert wheel.name.startswith(f"fdht_lstm-{fdht.__version__}-py3-none-any")
    assert yaml.safe_load((root / "CITATION.cff").read_text(encoding="utf-8"))["version"] == fdht.__version__


def test_a_layer_is_usable_from_it(wheel, tmp_path):
    code = "import fdht, torch; print(fdht.__version__, fdht.FDHTLSTM(48, 16, ranks=2)(torch.zeros(3, 2, 48))[0].shape)"
    run = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(wheel)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.stdout == f"{fdht.__version__} torch.Size([3, 2, 16])\n", run.stderr
