"""The pipeline: `./reproduce CONFIG [TARGET ...] [any Snakemake option]`.

Only one pipeline per configuration runs at a time. The kernel frees its lock even if it is killed; Snakemake's own lock
would stay, so it is disabled.
"""

import argparse
import logging
import os
import re
import signal
import sys
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from functools import partialmethod
from itertools import takewhile
from pathlib import Path
from traceback import walk_stack
from types import FrameType
from typing import IO, Any, NoReturn

from workflow.commands.verify import check
from workflow.experiments.configuration import OWN_DATA, Configuration
from workflow.experiments.configuration_file import load, load_own
from workflow.experiments.run import IDENTITY
from workflow.storage import endings, lock
from workflow.storage.errors import InputError, sentence
from workflow.storage.fields import did_you_mean

# rules with wildcards cannot be requested by name; these request all their outputs
GOALS = {"download": "prepared", "train": "trained"}
CONFIGURED = ("run", "list", "status", "harmless", "verify", "cost", "rescore", "predict")  # ./reproduce CONFIG COMMAND
TARGETS = ("all", "download", "train", "collect", "tables", "counts", "figures", "report", "paper")
OWN = (*(f"--{axis.replace('_', '-')}" for axis in IDENTITY), "--set", "--force")  # options of `run`
ASKED = (signal.SIGINT, signal.SIGTERM)  # to save and end
INTERRUPTED = 130  # exit status
VERBOSE = {"-v", "--verbose"}  # all that Snakemake prints
PLAIN = VERBOSE | {"--logger"}  # options with which Snakemake's own output is kept
CORES = ("--cores", "-c", "--jobs", "-j", "--profile")
NO_CORE = re.compile(r"(?<!\S)(-[cj]|--cores|--jobs)[ =]?0+(?!\S)")  # Snakemake would wait forever
ELSEWHERE = ("--configfile", "--configfiles", "--directory", "-d", "--output")  # would leave the locked results


def start(config: str, options: list[str]) -> NoReturn:
    """Build the targets among `options`, which go to Snakemake; without a target, build all. config: a file."""
    targets = list(takewhile(lambda word: not word.startswith("-"), options))
    for word in targets:  # a typo, unless it is a file
        if not ("/" in word or word in (*TARGETS, *GOALS.values())):
            hint = did_you_mean(word, [*TARGETS, *CONFIGURED])
            raise InputError(f"{word!r} is neither a target nor a command; {hint}")
    rest = options[len(targets) :]
    for word in GOALS.keys() & {word.rpartition("=")[2] for word in rest}:  # a rule that is forced trains nothing again
        raise InputError(
            f"{word!r} comes after {rest[0]}; targets come before Snakemake's options, and "
            "./reproduce CONFIG run --force trains finished runs again"
        )
    _check_changes(config, rest)
    prepare(config, options)
    run_snakemake(_arguments(config, [*(GOALS.get(word, word) for word in targets), *rest]))


def prepare(config: str, options: Sequence[str] = ()) -> None:
    """Lock the configuration and check its files. Raises InputError if they or the options cannot be used."""
    for word in options:
        if word.partition("=")[0] in ELSEWHERE:
            raise InputError(f"{word} would write other results than those of {config}; use ./reproduce CONFIG")
    if none := NO_CORE.search(" ".join(options)):
        raise InputError(f"{none[0]}: expected 1 or more, or all")
    if preloaded := os.environ.get("LD_PRELOAD"):
        print(f"reproduce: LD_PRELOAD={preloaded} may change results; environment.json records it", file=sys.stderr)
    loaded = load_own(config)
    if not is_dry(options):  # which changes nothing
        _hold_lock(config, loaded.name)
        if loaded.data not in (None, loaded.name):
            _hold_data(config, loaded)
    check(loaded)


def _check_changes(config: str, options: list[str]) -> None:
    """Raise InputError for an argument of --config that is not KEY=VALUE, or changes which results are written."""
    inside = False
    for word in options:
        if word.startswith("-"):
            option, _, word = word.partition("=")
            inside = option in ("--config", "-C")
        key = word.partition("=")[0]
        if inside and word and not re.match(r"[A-Za-z_][\w-]*\w=", word):
            raise InputError(f"--config {word}: expected KEY=VALUE, such as 'seeds=[0]'; targets come before options")
        if inside and key in ("name", "data"):
            raise InputError(f"--config {word}: {key!r} decides which results are written; change it in {config}")


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
    import psutil
    from snakemake import cli, exceptions
    from snakemake.scheduling.job_scheduler import JobScheduler
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
        if number in ASKED and not interrupted:
            os.write(2, b"reproduce: interrupted; what is running saves and ends, the next start continues\n")
        interrupted.append(number)
        endings.silence()  # Snakemake would report each step that it ends as failed
        if _would_be_lost([inner.f_code.co_name for inner, _ in walk_stack(frame)]):
            signal.setitimer(signal.ITIMER_REAL, 0.1)  # come again
        else:
            for step in psutil.Process().children(recursive=True):  # a terminal's Ctrl-C has reached them already
                with suppress(psutil.Error):
                    step.terminate()
            raise KeyboardInterrupt

    for number in (*ASKED, signal.SIGPIPE, signal.SIGALRM):
        signal.signal(number, interrupt)
    # which handles SIGTERM once jobs are scheduled: it would wait for them
    JobScheduler.exit_gracefully = lambda self, *signalled: interrupt(*signalled)
    ours = OWN if any(word.startswith("only=") for word in arguments) else ()
    # a word that only begins like an option is a mistake, which argparse would take for that option
    argparse.ArgumentParser.allow_abbrev = property(lambda parser: False, lambda *_: None)  # type: ignore[assignment]
    argparse.ArgumentParser.error = partialmethod(_wrong_option, ours)  # type: ignore[assignment,method-assign]
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


def _wrong_option(parser: argparse.ArgumentParser, ours: Sequence[str], message: str) -> NoReturn:
    """Report an option; ours: those of the command, which are looked for first."""
    if (rest := message.removeprefix("unrecognized arguments: ")) != message:
        word = rest.split()[0]
        # no public attribute of argparse lists its options
        hints = [did_you_mean(word, known) for known in (ours, parser._option_string_actions)]
        hint = next((hint for hint in hints if hint.startswith("did")), "")
        if word in OWN and not ours:
            hint = f"did you mean ./reproduce CONFIG run {word}?"
        message = f"{word!r} is not an option of this command or of Snakemake" + f"; {hint}" * bool(hint)
    print(f"reproduce: {message}", file=sys.stderr)
    raise SystemExit(2)


def _arguments(config: str, options: list[str]) -> list[str]:
    """Return the arguments for Snakemake; adds the number of cores unless the user or a profile gives it."""
    given = any(word.partition("=")[0] in CORES or word[:2] in ("-c", "-j") for word in options)
    return ["--configfile", config, "--nolock", *([] if given else ["--cores", "all"]), *options]


def _hold_lock(config: str, name: str) -> None:
    """Lock the results of the file `config`, results/`name`, against other pipelines until this process ends."""
    with _attempt(name, f"on {config} in this folder") as file:
        other = file.read()
        if Path("results", name).is_dir() and other and Path(other).is_file() and not Path(other).samefile(config):
            raise InputError(f"results/{name} is made from {other}; rename {config} and the `name` in it")
        lock.write(file, config)
        os.dup(file.fileno())  # holds the lock when `file` is closed


def _hold_data(config: str, loaded: Configuration) -> None:
    """Lock the results whose data the file `config` uses, too. Raise InputError if it would change these data."""
    with _attempt(str(loaded.data), f"on results/{loaded.data}, whose data {config} uses") as file:
        if Path(other := file.read()).is_file():
            theirs = load(other)
            mine = loaded.model_copy(update={"datasets": {**theirs.datasets, **loaded.datasets}})
            for key in OWN_DATA:
                if getattr(mine, key) != getattr(theirs, key):
                    raise InputError(f"{config}: {key} differs from {other}, whose data it uses; give both the same")
        os.dup(file.fileno())


def _attempt(name: str, work: str) -> IO[str]:
    """Lock results/`name`; return the file, which holds the name of the configuration file that made these results."""
    try:
        file = lock.attempt(Path("results", f".{name}.lock"))
    except OSError as error:
        raise InputError(f"{error.filename}: {error.strerror}; results are written there") from None
    if file is None:
        raise InputError(f"another ./reproduce is running {work}; wait for it or stop it")
    file.seek(0)
    return file
