"""The import graph: what a run imports is declared, and a format concerns its own runs only."""

import subprocess
import sys

import pytest

from baselines import FORMATS
from workflow.datasets.front_ends import FRONT_ENDS
from workflow.experiments.sources import DISTRIBUTIONS, PACKAGES, _imported, pins, sources
from workflow.reporting.tables import TABLES

STEPS = [
    "training.run",
    "datasets.frames",
    "datasets.features",
    "datasets.unpack",
    "reporting.paper",
    "reporting.report",
]
REGISTERED = [f"workflow.datasets.front_ends.{name}" for name in FRONT_ENDS]
REGISTERED += [format_.module for format_ in FORMATS.values()]
REGISTERED += [f"workflow.reporting.tables.{name}" for name in TABLES]


@pytest.mark.parametrize("module", ["workflow.training.run", "workflow.datasets.frames", "workflow.commands.tables"])
def test_every_module_that_python_loads_is_in_the_graph(module, root):
    """Formats, front ends and tables are found in their folders and loaded at import; rules say which of them run."""
    code = (
        f"import sys, {module}\n"
        "files = [getattr(loaded, '__file__', None) for loaded in list(sys.modules.values())]\n"
        "print(*filter(None, files))"
    )
    loaded = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True)
    ours = {name[len(str(root)) + 1 :] for name in loaded.stdout.split() if name.startswith(str(root))}
    ours = {name for name in ours if name.split("/")[0] in ("fdht", "baselines", "workflow")}
    assert len(ours) > 2
    assert ours <= set(sources(module, *REGISTERED))


def test_a_format_depends_on_its_own_file_and_not_on_another():
    tensor_train = sources("baselines.tensor_train")
    assert "baselines/tensor_train.py" in tensor_train
    assert "baselines/__init__.py" in tensor_train
    assert "baselines/tensor_ring.py" not in tensor_train
    assert any(name.startswith("fdht/") for name in tensor_train)


def test_the_data_of_a_module_are_listed_too_but_for_the_catalogue():
    found = sources("workflow.reporting.columns", "workflow.datasets.catalogue")
    assert [name for name in found if not name.endswith(".py")] == ["workflow/reporting/columns.yaml"]


def test_an_unknown_module_is_an_error():
    with pytest.raises(ModuleNotFoundError, match=r"'workflow\.nothing'"):
        sources("workflow.nothing")


def test_every_package_that_a_step_imports_is_pinned(root):
    """What is neither ours, nor Python's, nor pinned would change unseen."""
    everything = [*(f"workflow.{step}" for step in STEPS), *REGISTERED]
    imported = {
        name.split(".")[0] for file in sources(*everything) if file.endswith(".py") for name in _imported(root / file)
    }
    foreign = {name for name in imported if name and name not in (*sys.stdlib_module_names, *PACKAGES)}
    pinned = {line.partition("==")[0].lower().replace("_", "-") for line in pins(*everything)}
    assert {DISTRIBUTIONS.get(name, name).lower().replace("_", "-") for name in foreign} <= pinned
    assert {"numpy", "torch", "opencv-python-headless"} <= pinned
