"""The pipeline: `./reproduce CONFIG [TARGET ...] [any Snakemake option]`.

Only one pipeline per configuration runs at a time. The kernel frees its lock even if it is killed; Snakemake's own lock
would stay, so it is disabled.
"""

import argparse
import logging
import os
import signal
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from traceback import walk_stack
from types import FrameType
from typing import Any, NoReturn

from workflow.commands.verify import check
from workflow.experiments.configuration_file import load_own
from workflow.storage import endings, lock
from workflow.storage.errors import InputError, sentence
from workflow.storage.fields import did_you_mean

# rules with wildcards cannot be requested by name; these request all their outputs
GOALS = {"download": "prepared", "train": "trained"}
CONFIGURED = ("run", "list", "status", "harmless", "verify", "cost", "rescore", "predict")  # ./reproduce CONFIG COMMAND
TARGETS = ("all", "download", "train", "collect", "tables", "counts", "figures", "report", "paper")
INTERRUPTED = 130  # exit status
VERBOSE = ("-v", "--verbose")  # all that Snakemake prints
PLAIN = {*VERBOSE, "-q", "--quiet", "--logger"}  # options with which Snakemake's own output is kept
CORES = ("--cores", "-c", "--jobs", "-j", "--profile")


def start(config: str, options: list[str]) -> NoReturn:
    """Build the targets among `options`, which go to Snakemake; without a target, build all. config: a file."""
    known = (*TARGETS, *GOALS.values())
    for word in options[:1]:  # a typo, unless it is an option or a file
        if not (word.startswith("-") or "/" in word or word in known):
            hint = did_you_mean(word, [*TARGETS, *CONFIGURED])
            raise InputError(f"{word!r} is neither a target nor a command; {hint}")
    prepare(config, options)
    run_snakemake(_arguments(config, [GOALS.get(word, word) for word in options]))


def prepare(config: str, options: Iterable[str] = ()) -> None:
    """Lock the configuration and check its files. Raises InputError if they cannot be used."""
    if preloaded := os.environ.get("LD_PRELOAD"):
        print(f"reproduce: LD_PRELOAD={preloaded} may change results; environment.json records it", file=sys.stderr)
    loaded = load_own(config)
    if not is_dry(options):  # which changes nothing
        _hold_lock(config, loaded.name)
    check(loaded)


def is_dry(options: Iterable[str]) -> bool:
    return not {"-n", "--dry-run", "--dryrun"}.isdisjoint(options)


def snakemake(config: str, options: list[str]) -> int:
    """Run Snakemake as `start` does, but return its exit code. An interruption ends this process all the same."""
    try:
        run_snakemake(_arguments(config, options))
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else int(end.code is not None)


def run_snakemake(arguments: list[str]) -> NoReturn:
    """Run Snakemake in this process; one line reports an invalid option, an interruption or a crash."""
    from snakemake import cli, exceptions
    from snakemake_interface_logger_plugins.registry import LoggerPluginRegistry

    from workflow.commands import display

    if PLAIN.isdisjoint(word.partition("=")[0] for word in arguments):
        LoggerPluginRegistry().register_plugin("snakemake_logger_plugin_reproduce", display)
        arguments = ["--logger", "reproduce", *arguments]
    arguments = [word for word in arguments if word not in VERBOSE]
    logging.raiseExceptions = False  # output that cannot be written is reported once, at the end
    exceptions.format_exception_to_string = _without_traceback(exceptions.format_exception_to_string)
    interrupted: list[int] = []

    def interrupt(number: int, frame: FrameType | None) -> None:
        display.stop()
        if number == signal.SIGINT and not interrupted:
            os.write(2, b"reproduce: interrupted; what is running saves and ends, the next start continues\n")
        interrupted.append(number)
        endings.silence()  # Snakemake would report each step that it ends as failed
        if _would_be_lost([inner.f_code.co_name for inner, _ in walk_stack(frame)]):
            signal.setitimer(signal.ITIMER_REAL, 0.1)  # come again
        else:
            raise KeyboardInterrupt

    for number in (signal.SIGINT, signal.SIGPIPE, signal.SIGALRM):
        signal.signal(number, interrupt)
    argparse.ArgumentParser.error = _wrong_option  # type: ignore[assignment,method-assign]
    argparse.ArgumentParser._print_message = _print_message  # type: ignore[assignment,method-assign]
    cache = Path(os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"), "snakemake")  # noqa: PTH111
    if not os.access(next(folder for folder in (cache, *cache.parents) if folder.exists()), os.W_OK):
        os.environ["XDG_CACHE_HOME"] = os.path.abspath(".snakemake/cache")  # noqa: PTH100 -- a read-only home
    try:
        cli.main(arguments)
    except BrokenPipeError:
        endings.leave()
    finally:
        display.stop()
        if signal.SIGPIPE in interrupted:
            endings.leave()
        if interrupted:
            os._exit(INTERRUPTED)
        endings.flush()
    raise SystemExit(0)


def _would_be_lost(functions: list[str]) -> bool:
    """Return whether an interruption that is raised now would be lost. functions: the stack, innermost first.

    Snakemake's logger swallows it. asyncio's event loop loses the step it was about to run, and then waits for it
    forever; only while the loop waits for events, in `select`, is there no such step.
    """
    return "emit" in functions or ("_run_once" in functions and functions[0] != "select")


def _without_traceback(described: Callable[..., str]) -> Callable[..., str]:
    """Return Snakemake's `described`, which describes an exception, without its tracebacks."""

    def line(error: Exception, linemaps: Any = None) -> str:
        if isinstance(error, OSError):
            return sentence(error)
        text = described(error, linemaps)
        return endings.crash(error, text) if "Traceback" in text else text

    return line


def _print_message(parser: argparse.ArgumentParser, message: str, file: Any = None) -> None:
    """Print the help; argparse itself ignores that it cannot be written."""
    endings.flush(message)


def _wrong_option(parser: argparse.ArgumentParser, message: str) -> NoReturn:
    if (rest := message.removeprefix("unrecognized arguments: ")) != message:
        word = rest.split()[0]
        hint = did_you_mean(word, parser._option_string_actions)  # no public attribute of argparse lists its options
        message = f"{word!r} is no option of this command or of Snakemake" + f"; {hint}" * hint.startswith("did")
    print(f"reproduce: {message}", file=sys.stderr)
    raise SystemExit(2)


def _arguments(config: str, options: list[str]) -> list[str]:
    """Return the arguments for Snakemake; adds the number of cores unless the user or a profile gives it."""
    given = any(word.partition("=")[0] in CORES or word[:2] in ("-c", "-j") for word in options)
    return ["--configfile", config, "--nolock", *([] if given else ["--cores", "all"]), *options]


def _hold_lock(config: str, name: str) -> None:
    """Lock the results of the file `config`, results/`name`, against other pipelines until this process ends."""
    folder = Path("results")
    try:
        file = lock.attempt(folder / f".{name}.lock")
    except OSError as error:
        raise InputError(f"{error.filename}: {error.strerror}; results are written there") from None
    if file is None:
        raise InputError(f"another ./reproduce is at work on {config} in this folder; wait for it or stop it")
    with file:
        file.seek(0)
        other = file.read()  # the configuration file that produced the results
        if (folder / name).is_dir() and other and Path(other).is_file() and not Path(other).samefile(config):
            raise InputError(f"results/{name} is made from {other}; rename {config} and the `name` in it")
        lock.write(file, config)
        os.dup(file.fileno())  # holds the lock when `file` is closed
