"""Select part of the grid by name, optionally with changed settings: used by `run` and `list`."""

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path
from typing import Annotated, Any

import typer
import yaml

from workflow.commands import CALLED_FROM
from workflow.experiments import grid
from workflow.experiments.configuration import OWN_DATA, Configuration, complete, merged, retyped
from workflow.experiments.configuration_file import load_own
from workflow.experiments.run import IDENTITY, Run
from workflow.storage import yaml_file
from workflow.storage.errors import InputError
from workflow.storage.files import digest

Where = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="DATASET [FRONT_END [MODEL]] | RUN",
        help="Only this data set, front end, model; or runs as `list` prints them, or folders of runs.",
    ),
]
Changes = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="KEY=VALUE",
        help="Change a setting, such as training.epochs=5; the results get a folder of their own. Can be repeated.",
    ),
]


@dataclass(frozen=True)
class Chosen:
    """The selected runs of a configuration's `file`.

    wanted: {axis: values} as named, one for each RUN. changes: the keys that --set changes, and the name of
    the variant. others: arguments for Snakemake.
    """

    file: str
    config: Configuration
    runs: list[Run]
    wanted: list[dict[str, list[Any]]]
    changes: dict[str, Any]
    others: list[str]


def of_runs(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add an option per axis of the grid to a command, and call it with the runs that these options select.

    All arguments from the first unknown option on are for Snakemake, if the command passes them on.
    """

    def choosing(context: typer.Context, where: Where = None, settings: Changes = None, **given: Any) -> Any:
        file = context.obj
        words = list(takewhile(lambda word: not word.startswith("-"), where or []))
        asked = {axis: given.pop(axis) for axis in IDENTITY}
        named = {axis: values for axis, values in asked.items() if values}
        config, changes = changed(file, settings)
        if names := [word for word in words if "/" not in word]:
            named |= axes_of("/".join(names), config)
        grid.check_models(config, file)
        named_runs = grid.select(grid.runs(config), named)
        folders = [axes_of(word, config) for word in words if "/" in word] or [{}]
        chosen = {run for folder in folders for run in grid.select(named_runs, folder)}
        runs = [run for run in named_runs if run in chosen]
        wanted, others = [named | folder for folder in folders], (where or [])[len(words) :]
        return command(Chosen(file, config, runs, wanted, changes, others), **given)

    *common, _ = inspect.signature(choosing).parameters.values()
    options = []
    for axis in IDENTITY:
        kind: Any = list[int] | None if axis in ("fold", "seed") else list[str] | None
        text = f"Only this {axis.replace('_', ' ').replace('dataset', 'data set')}. Can be repeated."
        kind = Annotated[kind, typer.Option(metavar=axis.upper(), help=text)]
        options.append(inspect.Parameter(axis, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=kind))
    _, *own = inspect.signature(command).parameters.values()
    choosing.__signature__ = inspect.Signature([*common, *options, *own])  # type: ignore[attr-defined]
    choosing.__module__ = command.__module__  # its docstring is shown by --help
    return choosing


def changed(file: str, settings: list[str] | None) -> tuple[Configuration, dict[str, Any]]:
    """Return the configuration of `file` with the `settings` of --set, and what these change."""
    base = load_own(file)
    changes = variant(base, overlay(settings or []))
    return complete(merged(base.plain, changes), file), changes


def axes_of(folder: str, config: Configuration) -> dict[str, list[Any]]:
    """Return {axis: [value]} for the names in a folder of runs: data set and front end for `demo/pixels`.

    What comes before runs/ must be the results of `config`.
    """
    results, _, below = folder.rpartition("/runs/")
    places = {Path(results).resolve(), Path(CALLED_FROM, results).resolve()}
    if results and config.results.resolve() not in places:
        raise InputError(f"{folder}: belongs to {results}, not {config.results}; for a variant add its --set KEY=VALUE")
    names = below.rstrip("/").split("/")
    if further := names[len(IDENTITY) :]:
        raise InputError(f"{further[0]!r} is one name too many; expected {', '.join(IDENTITY)}")
    axes: dict[str, Any] = dict(zip(IDENTITY, names, strict=False))
    numbers = {axis: axes[axis].removeprefix(axis) for axis in IDENTITY[4:] if axis in axes}
    axes |= {axis: int(number) for axis, number in numbers.items() if number.isdecimal()}
    return {axis: [value] for axis, value in axes.items()}


def overlay(settings: list[str]) -> dict[str, Any]:
    """Parse ['training.epochs=5'] to {'training': {'epochs': 5}}; values are YAML, and the last of a key wins."""
    changes: dict[str, Any] = {}
    for setting in settings:
        path, equals, value = setting.partition("=")
        if not equals or not path:
            raise InputError(f"--set {setting}: expected KEY=VALUE, for instance training.epochs=5")
        try:
            change = retyped(yaml_file.parse(value), path)
        except yaml.YAMLError as error:
            problem = getattr(error, "problem", None) or str(error).splitlines()[0]
            raise InputError(f"--set {setting}: not valid YAML: {problem}") from None
        for key in reversed(path.split(".")):
            change = {key: change}
        changes = merged(changes, change)
    return changes


def variant(config: Configuration, changes: dict[str, Any]) -> dict[str, Any]:
    """Return `changes` with a new configuration name, so that results are kept apart; data are shared if possible."""
    if not changes:
        return {}
    for key in {"name", "data"} & changes.keys():
        raise InputError(f"--set {key}: follows from the other settings; leave it out")
    own = any(key in changes for key in (*OWN_DATA, *config.extraction))
    shared = {} if own else {"data": config.data or config.name}
    return {**changes, "name": f"{config.name}-{digest(changes)[:8]}", **shared}
