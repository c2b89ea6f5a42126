"""The configuration, the grid of runs and the helpers of the other rule files."""

import gc
import json
import os
import shutil
import sys
from pathlib import Path
from shlex import quote

import snakemake.workflow

ROOT = Path(workflow.current_basedir.get_path_or_uri(secret_free=True)).parents[1]
sys.path.insert(0, str(ROOT))

from workflow.storage.errors import InputError, is_full, sentence  # first: importing `workflow` cleans the environment

from baselines import FORMATS
from workflow.experiments import experiment, grid, metadata, sources
from workflow.experiments.configuration import complete, retyped
from workflow.datasets import inventory
from workflow.datasets.catalogue import CATALOGUE
from workflow.datasets.front_ends import EXTRACTED, FRONT_ENDS
from workflow.datasets.listing import version
from workflow.reporting.tables import PARTS
from workflow.storage import files, seal
from workflow.training import devices

snakemake.workflow.FilePersistence = metadata.WithTheFiles  # before the graph of jobs is made
gc.freeze()  # what has been imported stays alive; searching it for garbage would take a tenth of the start

if "name" not in config:  # plain `snakemake`; a second configfile would be merged into the first

    configfile: "config/demo.yaml"


try:
    ORIGIN = ", ".join(os.path.relpath(path) for path in workflow.configfiles) or "configuration"
    only = retyped(config.pop("only", {}))  # of `./reproduce CONFIG run`: values of axes of the grid
    FORCE = only.pop("force", False)  # train finished runs again, too
    CONFIG = complete(config, ORIGIN)
    grid.check_models(CONFIG, ORIGIN)
    EXPERIMENTS = grid.experiments(CONFIG, only)
    # what is known of each data set: its entry in the catalogue and its inventory
    KNOWN = {name: f"{CATALOGUE[name]} {files.digest(inventory.load(name))}" for name in CONFIG.datasets}
    OWN = {name: (section.source, f"datasets.{name}.source") for name, section in CONFIG.datasets.items()}
    OWN |= {name: (section.weights, f"{name}.weights") for name, section in CONFIG.extraction.items()}
    DATA = f"{CONFIG.prepared}/{{dataset}}"
    ORIGINS = {name: Path(DATA.format(dataset=name), "source.json") for name in OWN}
    VERSIONS = {name: version(path, key, ORIGINS[name]) if path else "" for name, (path, key) in OWN.items()}
except InputError as error:
    sys.exit(f"error: {error}")  # one sentence, without the traceback of a WorkflowError

# No more concurrent jobs than GPU slots: one that waits for a GPU holds memory and looks as if it were training.
# Not on a cluster, whose nodes have their own GPUs.
if workflow.resource_settings.nodes is None and (slots := devices.slots()):
    workflow.register_resource("gpu_slots", slots)

RESULTS = str(CONFIG.results)
LOGS = f"{RESULTS}/logs"
EXPERIMENT = "{dataset}/{front_end}/{model}/{protocol}"
REPORTING = {  # step -> its module, and the folders whose files it discovers: no import statement names them
    "collect": ("workflow.reporting.collect", []),
    "tables": ("workflow.commands.tables", ["tables"]),
    "counts": ("workflow.commands.tables", ["tables"]),
    "figures": ("workflow.commands.figures", ["figures"]),
    "report": ("workflow.reporting.report.page", ["tables"]),
    "paper": ("workflow.reporting.paper.article", ["tables"]),
}


wildcard_constraints:
    dataset="|".join(CONFIG.datasets),
    front_end="|".join(FRONT_ENDS),
    model="|".join(CONFIG.models),
    protocol="|".join(CONFIG.protocols),


def code(*steps):
    """Return the digest of a step's code, a parameter of its rule: changed code makes results outdated."""
    if steps[0] not in REPORTING:
        return sources.digest(*(f"workflow.datasets.{step}" for step in steps))
    entry, folders = REPORTING[steps[0]]
    files = [path for folder in folders for path in sorted(ROOT.glob(f"workflow/reporting/{folder}/[!_]*.py"))]
    formats = [format_.module for format_ in FORMATS.values()]
    return sources.digest(entry, *formats, *(f"workflow.reporting.{path.parent.name}.{path.stem}" for path in files))


def entry(wildcards):
    """Return the configuration's section of the data set of `wildcards`."""
    return CONFIG.datasets[wildcards.dataset]


def checked(wildcards):
    """Return the description of an experiment's data. Force its job if records are missing, damaged or outdated.

    Not by `--forcerun`, which would make a target of each such experiment.
    """
    folder, data = EXPERIMENT.format(**wildcards), DATA.format(**wildcards)
    if workflow.is_main_process:
        runs, place = EXPERIMENTS[folder], Path(RESULTS, "runs", folder)
        now = experiment.origin(runs[0], Path(data))
        codes = experiment.accepted(now[experiment.CODE], Path(RESULTS))
        try:
            reason = FORCE or experiment.outdated(place, runs, now, codes)
        except OSError as error:
            sys.exit(f"error: {sentence(error)}; expected a record that can be read")
        if reason:
            workflow.dag.forcefiles.add(f"{place}/{experiment.NAME}")
            if isinstance(reason, str) and place.is_dir():
                logger.info(f"{folder}: {reason}")
    return f"{data}/{FRONT_ENDS[wildcards.front_end].tensor}.json"


def whole(output):
    """Return an input function that adds no input but forces the step if a file that its `output` lists was deleted."""

    def check(wildcards):
        for path in map(Path, output if workflow.is_main_process else []):
            about = files.known_json(path) if path.suffix == ".json" else {}
            names = [*about.get(seal.FILES, []), *about.get(PARTS, [])]
            if lost := next((name for name in names if not (path.parent / name).exists()), None):
                workflow.dag.forcefiles.add(str(path))
                logger.info(f"missing: {path.parent / lost}")
        return []

    return check


def points(runs):
    """Return the options for the folds and seeds of an experiment's runs."""
    return options(fold=sorted({run.fold for run in runs}), seed=sorted({run.seed for run in runs}))


def split_options(wildcards):
    """Return the options of the step that splits a data set."""
    return options(
        protocol=CONFIG.protocols,
        seed=CONFIG.splits.seed,
        published_seed=CONFIG.splits.published_seed,
        validation=[f"{protocol}={share}" for protocol, share in CONFIG.splits.validation],
        validation_by_clip=CONFIG.splits.validation_by_clip,
    )


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


onerror:
    if is_full("."):  # a step could not write this to its log
        print(f"The disk of {os.getcwd()} is full; make room and start again.", file=sys.stderr)
