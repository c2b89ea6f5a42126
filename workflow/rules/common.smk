"""The configuration, the grid of runs and the helpers of the other rule files."""

import gc
import hashlib
import json
import os
import shutil
import sys
from os.path import dirname
from pathlib import Path
from shlex import quote

ROOT = Path(workflow.current_basedir.get_path_or_uri(secret_free=True)).parents[1]
sys.path.insert(0, str(ROOT))

from baselines import FORMATS
from workflow.experiments import grid
from workflow.experiments.configuration import complete
from workflow.storage.errors import InputError
from workflow.datasets.front_ends import EXTRACTED, FRONT_ENDS
from workflow.datasets.listing import fingerprint
from workflow.experiments.sources import listing
from workflow.training import devices

# Garbage collection would take a third of a dry run's time: Snakemake keeps millions of objects alive
gc.freeze()
gc.set_threshold(100_000, 50, 100)

if "name" not in config:  # plain `snakemake`; a second configfile would be merged into the first

    configfile: "config/demo.yaml"


try:
    ORIGIN = ", ".join(os.path.relpath(path) for path in workflow.configfiles) or "configuration"
    CONFIG = complete(config, ORIGIN)
    grid.check_models(CONFIG, ORIGIN)
    RUNS = {run.folder: run for run in grid.runs(CONFIG)}
    OWN = {name: (section.source, f"datasets.{name}.source") for name, section in CONFIG.datasets.items()}
    OWN |= {name: (section.weights, f"{name}.weights") for name, section in CONFIG.extraction.items()}
    VERSIONS = {name: fingerprint(path, key) if path else "" for name, (path, key) in OWN.items()}
except InputError as error:
    sys.exit(f"error: {error}")  # one sentence, without the traceback of a WorkflowError

# No more concurrent runs than GPU slots: a run that waits for a GPU holds memory and looks as if it were training.
# Not on a cluster, whose nodes have their own GPUs.
if workflow.resource_settings.nodes is None and (slots := devices.slots()):
    workflow.register_resource("gpu_slots", slots)

RESULTS = f"results/{CONFIG.name}"
OWNER = CONFIG.data_owner  # the configuration whose data are used
DATA = f"results/{OWNER}/data/{{dataset}}"
LOGS = f"{RESULTS}/logs"
RUN = "{dataset}/{front_end}/{model}/{protocol}/fold{fold}/seed{seed}"
INPUTS = f"{RESULTS}/inputs/{{dataset}}/{{front_end}}/{{model}}.sha256"
FULL = 10_000_000  # bytes free on a disk below which it counts as full
DATA_STEPS = ("generate", "unpack", "frames", *(f"features_{name}" for name in EXTRACTED), "splits")
REPORTING = {  # step -> its module, and the folders whose files it discovers: no import statement names them
    "collect": ("workflow.reporting.collect", []),
    "tables": ("workflow.commands.tables", ["tables"]),
    "counts": ("workflow.commands.tables", ["tables"]),
    "figures": ("workflow.commands.figures", ["figures"]),
    "report": ("workflow.reporting.report.page", ["tables", "figures"]),
    "paper": ("workflow.reporting.paper.article", ["tables", "figures"]),
}
SHARED = "resources/demo"  # created once for all configurations


wildcard_constraints:
    place="|".join({f"results/{OWNER}", RESULTS, SHARED}),
    dataset="|".join(CONFIG.datasets),
    front_end="|".join(FRONT_ENDS),
    model="|".join(CONFIG.models),
    protocol="|".join(CONFIG.protocols),
    fold=r"\d+",
    seed=r"\d+",


def modules(step):
    """Return the modules that a step executes. A run executes only its own format."""
    if step.startswith("train_"):
        return ["workflow.training.run", FORMATS[step.removeprefix("train_")].module]
    if step.startswith("features_"):
        return ["workflow.datasets.features", f"workflow.datasets.front_ends.{step.removeprefix('features_')}"]
    if step in DATA_STEPS:
        return [f"workflow.datasets.{step}"]
    entry, folders = REPORTING[step]
    files = [path for folder in folders for path in sorted(ROOT.glob(f"workflow/reporting/{folder}/[!_]*.py"))]
    formats = [format_.module for format_ in FORMATS.values()]
    return [entry, *formats, *(f"workflow.reporting.{path.parent.name}.{path.stem}" for path in files)]


def code(step):
    """Return the path of the listing of a step's code, an input of its rule: changed code makes results outdated.

    It is stored with those results: a configuration that only reads the data or the generated archive must not rebuild
    them.
    """
    place = SHARED if step == "generate" else f"results/{OWNER}" if step in DATA_STEPS else RESULTS
    return f"{place}/sources/{step}.sha256"


def entry(wildcards):
    """Return the configuration's section of the data set of `wildcards`."""
    return CONFIG.datasets[wildcards.dataset]


def options(**values):
    """Return command-line options: True gives a flag, False and None nothing, a list one option per item."""
    words = []
    for name, value in values.items():
        option = f"--{name.replace('_', '-')}"
        if isinstance(value, list):
            words += [f"{option} {quote(str(item))}" for item in value]
        elif value is True:
            words.append(option)
        elif value is not None and value is not False:
            words.append(f"{option} {quote(str(value))}")
    return " ".join(words)


def digest_of(step):
    """Return the checksum of the listing of a step's code."""
    return hashlib.sha256(listing(*modules(step)).encode()).hexdigest()


onerror:
    if (left := shutil.disk_usage(".").free) < FULL:  # a step could not write this to its log
        print(f"Only {left / 1e6:.1f} MB are free on the disk of {os.getcwd()}.", file=sys.stderr)
