"""Which environment variables reach a step: results depend on the specification, not on the user's shell.

Importing `workflow` cleans this process and everything that it starts, so it holds for ./reproduce, for plain
`snakemake`, whose rules import it, and for a single step. Python reads some variables only at its start, so a step or
Snakemake starts itself again if it was started with others.

LD_* and CUDA_* are kept, since programs may not start without them, as is the number of threads, which Snakemake sets
for every job; environment.json records them. SNAKEMAKE_* are kept too: they choose how jobs run, not what they compute.
"""

import os
import sys
from fnmatch import fnmatchcase
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
REMOVED = {  # patterns of names: what these variables would change
    "OPENCV_* FFREPORT AV_*": "which frames FFmpeg decodes, how OpenCV resizes them",
    "PYTHON* __PYVENV_LAUNCHER__": "which modules are imported, the encoding of files, which warnings are errors",
    "PIP_*": "where pip installs what; KEPT has the places that it downloads from",
    "LANG LANGUAGE LC_*": "the encoding of files and file names, messages that are parsed",
    "BASH_* BASHOPTS SHELLOPTS ENV POSIXLY_CORRECT": "how a shell runs a step; functions with the names of programs",
    "TORCH* PYTORCH_* ATEN_* DISABLE_ADDMM* NVIDIA_TF32*": "the arithmetic of torch, its kernels and its compiler",
    "CUBLAS* CUDNN* FBGEMM_* DNNL_* ONEDNN_* MKLDNN_*": "kernels, the order of sums",
    "OMP_* GOMP_* KMP_* MKL_* OPENBLAS_* GOTO_* BLIS_* VECLIB_*": "kernels, the order of sums",
    "NPY_* NUMPY_* SCIPY_* SKLEARN_* JOBLIB_* LOKY_* PANDAS_* PYDANTIC_*": "what these libraries compute, and how",
    "MPLBACKEND MATPLOTLIBRC": "how figures look, or whether they can be drawn at all",
    "TEXINPUTS* BIBINPUTS BSTINPUTS SOURCE_DATE_EPOCH FORCE_SOURCE_DATE": "the article and its date",
    "GIT_*": "the repository whose commit is recorded",
}
THREADS = {"VECLIB_MAXIMUM_THREADS"} | {f"{name}_NUM_THREADS" for name in ("OMP", "MKL", "OPENBLAS", "GOTO", "NUMEXPR")}
DOWNLOADS = "INDEX_URL EXTRA_INDEX_URL NO_INDEX FIND_LINKS TRUSTED_HOST PROXY CERT CLIENT_CERT KEYRING_PROVIDER"
KEPT = {
    *THREADS,
    *(f"PIP_{name}" for name in f"{DOWNLOADS} CACHE_DIR NO_CACHE_DIR DEFAULT_TIMEOUT TIMEOUT RETRIES".split()),
    *("PYTORCH_ALLOC_CONF", "PYTORCH_CUDA_ALLOC_CONF"),  # the layout of GPU memory
}
SET = {
    "PYTHONUTF8": "1",  # text files are UTF-8 on every machine
    "PYTHONNOUSERSITE": "1",  # no packages from ~/.local
    "LC_ALL": "C.UTF-8",
    "MATPLOTLIBRC": str(ROOT / "paper" / "style.mplstyle"),  # in place of the user's
}
RECORDED = "LD_* DYLD_* GLIBC_TUNABLES CUDA_*"


def cleaned(variables: "dict[str, str]") -> "dict[str, str]":  # quoted: the launcher may run under Python 3.6
    """Return `variables` without REMOVED and with SET. The project itself stays in PYTHONPATH."""
    patterns = " ".join(REMOVED)
    found = {name: text for name, text in variables.items() if name in KEPT or not _matches(name, patterns)}
    if str(ROOT) in variables.get("PYTHONPATH", "").split(os.pathsep):
        found["PYTHONPATH"] = str(ROOT)
    return {**found, **SET}


def clean() -> None:
    """Clean os.environ; open a standard stream that the user has closed, whose number the next file would take.

    A step or Snakemake starts itself again if Python has read a variable that was removed, or lacks a stream.
    """
    stream = os.open(os.devnull, os.O_RDWR)
    closed = stream < 3
    while stream < 3:
        os.set_inheritable(stream, True)
        stream = os.dup(stream)
    os.close(stream)
    before = dict(os.environ)
    os.environ.clear()
    os.environ.update(cleaned(before))
    read = [name for name in before.keys() | SET.keys() if name.startswith(("PYTHON", "LANG", "LC_"))]
    # "-m": before the module of a step is imported
    program = sys.argv[0] == "-m" or "snakemake" in Path(sys.argv[0]).parts[-2:]
    if program and (closed or any(before.get(name) != os.environ.get(name) for name in read)):
        os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])


def recorded() -> "dict[str, str]":
    """Return the kept variables that may change a number, without the user's name: records are published."""
    home = f"{os.path.expanduser('~')}/"  # noqa: PTH111 -- Path.home() raises for a user without a name
    kept = {name: text for name, text in sorted(os.environ.items()) if name in THREADS or _matches(name, RECORDED)}
    return {name: text.replace(home, "~/") for name, text in kept.items()}


def _matches(name: str, patterns: str) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns.split())
