"""Only the specification reaches a result: hostile environments change no byte of data, records and tables."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from projects import TINY, Project, checkout

from workflow.storage import surroundings

SHELL = {  # every step is run by a shell
    "BASH_ENV": "{hostile}/bash_env",
    "BASH_FUNC_python%%": "() {{ echo foreign python >&2; exit 3; }}",
    "SHELLOPTS": "noglob",
    "POSIXLY_CORRECT": "1",
}
DECODING = {
    "OPENCV_FFMPEG_CAPTURE_OPTIONS": "fflags;nobuffer|flags;low_delay|skip_frame;nokey",
    "OPENCV_VIDEOIO_PRIORITY_LIST": "IMAGES",
    "OPENCV_CPU_DISABLE": "AVX2,SSE4.2",
    "OPENCV_LOG_LEVEL": "DEBUG",
    "FFREPORT": "file=ffreport.log",
}
ARITHMETIC = {
    **dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "7"),
    "OMP_DYNAMIC": "true",
    "OMP_THREAD_LIMIT": "1",
    "MKL_CBWR": "COMPATIBLE",
    "ATEN_CPU_CAPABILITY": "default",
    "DNNL_MAX_CPU_ISA": "SSE41",
    "OPENBLAS_CORETYPE": "Prescott",
    "NPY_DISABLE_CPU_FEATURES": "AVX2 FMA3",
    "TORCH_ALLOW_TF32_CUBLAS_OVERRIDE": "1",
    "NVIDIA_TF32_OVERRIDE": "1",
    "CUBLAS_WORKSPACE_CONFIG": ":0:0",
    "SCIPY_ARRAY_API": "1",
    "SKLEARN_ASSUME_FINITE": "yes",
}
PYTHON = {
    "PYTHONPATH": "{hostile}",
    "PYTHONWARNINGS": "error",
    "PYTHONSAFEPATH": "1",
    "PYTHONOPTIMIZE": "2",
    "PYTHONHASHSEED": "0",
    "PYTHONIOENCODING": "latin-1",
    "PIP_TARGET": "/nowhere",
}
LOCALE = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "LANGUAGE": "de", "TZ": "Pacific/Auckland"}
DRAWING = {"MPLBACKEND": "module://matplotlib_inline.backend_inline", "MATPLOTLIBRC": "{hostile}/matplotlibrc"}
OTHERS = {"GIT_DIR": "/nowhere", "SOURCE_DATE_EPOCH": "1", "TEXINPUTS": "/nowhere", "COLUMNS": "20"}
MEASURED = ("seconds", "step_ms", "peak_memory_mb", "seal", "files")  # ends of fields of records and captions
OF_THE_MACHINE = ("environment.json", "source.json", "cost.csv")  # source.json: when and where from
TARGET = "results/tiny/data/demo/splits.json"


def hostile(folder: Path, *groups: dict[str, str]) -> dict[str, str]:
    """This process's environment with the variables of `groups`, which name files in `folder`."""
    folder.mkdir()
    for name in ("numpy", "torch", "cv2", "yaml", "sitecustomize"):
        (folder / f"{name}.py").write_text("raise RuntimeError('a foreign module')\n")
    (folder / "bash_env").write_text("exit 4\n")
    (folder / "matplotlibrc").write_text("text.usetex: true\nfont.size: 40\n")
    variables = {name: text.format(hostile=folder) for group in groups for name, text in group.items()}
    return {**os.environ, **variables}


def content(project: Project) -> dict[str, bytes]:
    """Data, records without times, and tables by name."""
    place = project.root / "results" / "tiny"
    found = {}
    for pattern in ("data/**/*", "runs/**/*", "tables/*.csv", "config.yaml", "figures/captions.json"):
        for path in sorted(place.glob(pattern)):
            name = path.relative_to(place).as_posix()
            if path.name in ("result.json", "experiment.json", "captions.json"):
                record = json.loads(path.read_text())
                timeless = {key: value for key, value in record.items() if not key.endswith(MEASURED)}
                found[name] = json.dumps(timeless).encode()
            elif path.suffix == ".jsonl":
                found[name] = re.sub(rb'"(step_ms|seconds)": [^,}]*', b"", path.read_bytes())
            elif path.is_file() and path.suffix != ".lock" and path.name not in OF_THE_MACHINE:
                found[name] = path.read_bytes()
    return found


def different(one: dict[str, bytes], other: dict[str, bytes]) -> list[str]:
    assert "data/demo/frames.npy" in one
    return sorted(name for name in one.keys() | other.keys() if one.get(name) != other.get(name))


@pytest.fixture
def project(root, tmp_path):
    found = Project(checkout(root, tmp_path / "Überraschung mit Leerzeichen"))
    found.write_config(TINY)
    return found


def test_the_pipeline_makes_the_same_bytes_in_a_hostile_environment(project, finished, tmp_path):
    environment = hostile(tmp_path / "hostile", SHELL, DECODING, ARITHMETIC, LOCALE, DRAWING, OTHERS, PYTHON)
    (project.root / ".venv").symlink_to(sys.prefix)
    command = ["./reproduce", "tiny", "--cores", "2"]
    done = subprocess.run(command, cwd=project.root, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert different(content(project), content(finished)) == []
    variables = json.loads(next(project.root.glob("results/**/environment.json")).read_text())["variables"]
    assert variables["OMP_NUM_THREADS"] == "1"  # set by the pipeline for each step


def test_plain_snakemake_makes_the_same_bytes_in_a_hostile_environment(project, finished, tmp_path):
    environment = hostile(tmp_path / "hostile", SHELL, DECODING, ARITHMETIC, LOCALE)
    environment["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{environment['PATH']}"
    command = ["snakemake", "--cores", "2", "--configfile", "config/tiny.yaml", "--", TARGET]
    done = subprocess.run(command, cwd=project.root, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    made, expected = content(project), content(finished)
    assert different(made, {name: expected[name] for name in made}) == []


def test_a_single_step_makes_the_same_bytes_in_a_hostile_environment(finished, root, tmp_path):
    environment = hostile(tmp_path / "hostile", DECODING, LOCALE, PYTHON)
    del environment["PYTHONSAFEPATH"]  # the step itself would not be found
    place = finished.root / "results" / "tiny" / "data" / "demo"
    size = [f"--{name}={TINY['frames'][name]}" for name in ("count", "width", "height")]
    command = [sys.executable, "-m", "workflow.datasets.frames", "--listing", place / "listing.csv", "--workers", "2"]
    command = [*command, "--output", tmp_path / "frames", *size]
    done = subprocess.run(command, cwd=finished.root, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    for name in ("frames.npy", "clips.csv"):
        assert (tmp_path / "frames" / name).read_bytes() == (place / name).read_bytes()


def test_what_is_removed_kept_and_set():
    before = {"OMP_PLACES": "a", "OMP_NUM_THREADS": "3", "PIP_USER": "1", "PIP_INDEX_URL": "b", "PATH": "c", "ENV": "d"}
    before |= {"ENVIRONMENT": "e", "LC_NUMERIC": "f", "CUDA_VISIBLE_DEVICES": "0", "PYTHONPATH": "/nowhere"}
    kept = {"OMP_NUM_THREADS": "3", "PIP_INDEX_URL": "b", "PATH": "c", "ENVIRONMENT": "e", "CUDA_VISIBLE_DEVICES": "0"}
    after = surroundings.cleaned(before)
    assert after == {**kept, **surroundings.SET}
    assert surroundings.cleaned(after) == after


def test_the_project_stays_importable(root):
    path = os.pathsep.join(["/nowhere", str(root)])
    assert surroundings.cleaned({"PYTHONPATH": path})["PYTHONPATH"] == str(root)


def test_what_stays_and_may_matter_is_recorded(monkeypatch):
    monkeypatch.setattr(surroundings.os, "environ", {"LD_PRELOAD": "a", "CUDA_DEVICE_ORDER": "b", "HOME": "c"})
    assert surroundings.recorded() == {"LD_PRELOAD": "a", "CUDA_DEVICE_ORDER": "b"}


@pytest.mark.parametrize("home", ["/home/alice", "/home/alice/", "/"])
def test_the_name_of_the_user_is_not_recorded(monkeypatch, home):
    path = "/opt/lib:/home/alice/lib:/home/alice2/lib"
    monkeypatch.setattr(surroundings.os, "environ", {"LD_LIBRARY_PATH": path, "HOME": home})
    expected = path if home == "/" else "/opt/lib:~/lib:/home/alice2/lib"
    assert surroundings.recorded() == {"LD_LIBRARY_PATH": expected}
