"""Dispatch ./reproduce to one of its commands, or to the pipeline.

Typer and the commands are imported only when needed, so that the pipeline starts without waiting for them.
"""

import os
import sys
from importlib import import_module, metadata
from pathlib import Path

from fdht.version import __version__
from workflow.commands import CALLED_FROM
from workflow.commands.pipeline import CONFIGURED, TARGETS, VERBOSE, start
from workflow.storage.endings import flush, quick_exit
from workflow.storage.errors import InputError, sentence
from workflow.storage.fields import did_you_mean

PROGRAMS = {"test": "pytest", "bench": "benchmarks.speed"}  # all arguments go to python -m PROGRAM
TRAINED = ("all", "download", "train", "collect", "counts")  # of `reference`: from its configuration, not its records
HELP = {"-h", "--help"}
PROJECT = (*PROGRAMS, "tables", "figures", "reference", "agree", "docs")  # ./reproduce COMMAND


def main(arguments: list[str]) -> int:
    first, *rest = arguments or ["demo"]
    try:
        if first in PROGRAMS:
            os.execv(sys.executable, [sys.executable, "-m", PROGRAMS[first], *rest])
        asks_configuration = first == "reference" and not {*rest[:1]}.isdisjoint({*CONFIGURED, *TRAINED})
        if first in PROJECT and not asks_configuration:
            os.chdir(CALLED_FROM)  # its paths are relative to this folder
            return command(first, rest, f"./reproduce {first}")
        if first.startswith("-"):
            first, rest = "demo", arguments
        config = configuration_file(first)
        if not rest or rest[0] not in CONFIGURED:
            if "--version" in rest:
                flush(version() + "\n")
                return 0
            if not HELP.isdisjoint(rest) and VERBOSE.isdisjoint(rest):
                flush(Path(__file__).with_name("help.txt").read_text())
                return 0
            start(config, rest)
        name, *given = rest
        if {"--config", "-C"} & {word.split("=")[0] for word in given}:
            instead = ", or use --set KEY=VALUE, which keeps the results apart" if name == "run" else ""
            raise InputError(f"{name} uses {config} as it is, without --config; change the file{instead}")
        return command(name, given, f"./reproduce {first} {name}", config)
    except BrokenPipeError:
        raise  # the reader has left: see storage/endings.py
    except (InputError, OSError) as error:
        flush()  # which may be what has failed
        print(f"reproduce: {sentence(error)}", file=sys.stderr)
        return 1


def command(name: str, given: list[str], program: str, config: str = "") -> int:
    """Run a command with Typer. An invalid option is reported in one sentence."""
    from typer._click.exceptions import ClickException

    from workflow.storage.command_line import call

    step = import_module(f"workflow.commands.{name}").main
    try:  # the options that `run` does not know go to Snakemake
        return call(step, given, program=program, config=config, ignore_unknown_options=name == "run") or 0
    except ClickException as error:
        print(f"reproduce: {error.format_message()}", file=sys.stderr)
        return 2


def configuration_file(name: str) -> str:
    """Return the configuration file `name`: a path relative to the user's working directory, or config/NAME.yaml."""
    candidates = [Path(CALLED_FROM, name), Path(name), Path("config", f"{name}.yaml")]
    found = next((path for path in candidates if path.suffix in (".yaml", ".yml") and path.is_file()), None)
    if found is None:
        if name in (*CONFIGURED, *TARGETS):
            raise InputError(f"{name!r} needs a configuration: ./reproduce CONFIG {name}, such as demo {name}")
        known = sorted(path.stem for path in Path("config").glob("*.yaml"))
        hint = did_you_mean(name, [*known, *PROJECT])
        hint = hint if hint.startswith("did") else f"configurations: {', '.join(known)}; see --help"
        raise InputError(f"{name!r} is neither a configuration, a YAML file nor a command; {hint}")
    return os.path.relpath(found)


def version() -> str:
    """Return the versions that affect results."""
    packages = [f"{name} {metadata.version(name)}" for name in ("torch", "snakemake")]
    return ", ".join([f"fdht-lstm {__version__}", f"Python {sys.version.split()[0]}", *packages])


if __name__ == "__main__":
    try:
        status = main(sys.argv[1:])
    except SystemExit as end:  # Snakemake's
        if not isinstance(end.code, int):
            raise
        status = end.code
    quick_exit(status)
