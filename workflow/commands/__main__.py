"""The commands of ./reproduce: finds the one that is meant and hands over.

Typer and the commands are imported only when they are needed, so that the pipeline starts without waiting for them.
"""

import os
import sys
from importlib import import_module, metadata
from pathlib import Path

from workflow.commands.pipeline import Request, start
from workflow.experiments import words
from workflow.experiments.problems import ConfigurationError
from workflow.storage.errors import InputError

PROJECT = ("test", "bench", "tables", "figures", "reference", "schemas")  # ./reproduce COMMAND
CONFIGURED = ("run", "array", "list", "status", "harmless", "verify", "cost")  # ./reproduce CONFIG COMMAND
PATHS = ("--from", "--output", "--config", "--layout", "--reported")  # options of commands without a configuration
STOOD = os.environ.pop("REPRODUCE_FROM", ".")  # the folder that the user stands in


def main(arguments: list[str]) -> int:
    first = arguments[0] if arguments else "demo"
    if first == "--version":
        print(version())
        return 0
    try:
        if first in PROJECT:
            return _command(first, _absolute(arguments[1:]), f"./reproduce {first}", None)
        option = first.startswith("-")
        config = configuration_file("demo" if option else first)
        rest = arguments if option else arguments[1:]
        if not rest or rest[0] not in CONFIGURED:
            start(Request(config, rest))
        _refuse_config(rest, config)
        return _command(rest[0], rest[1:], f"./reproduce {first} {rest[0]}", config)
    except InputError as error:
        print(f"reproduce: {error}", file=sys.stderr)
        return 1


def _command(name: str, given: list[str], program: str, config: str | None) -> int:
    """Run a command with Typer. Whatever is wrong with its options is one sentence."""
    import typer
    from typer._click.exceptions import ClickException

    module = import_module(f"workflow.commands.{name}")
    if name in ("tables", "figures"):
        return module.main(given)
    own, others = module.split(given) if hasattr(module, "split") else (given, [])
    app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)
    app.command(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})(module.main)
    try:
        request = Request(config, others) if config else others
        return app(own, prog_name=program, standalone_mode=False, obj=request) or 0
    except ClickException as error:
        print(f"reproduce: {error.format_message()}", file=sys.stderr)
        return 2


def _absolute(given: list[str]) -> list[str]:
    """Paths are meant from where the user stands, and commands work in the folder of the project."""
    found = list(given)
    for index, word in enumerate(given):
        name, equals, value = word.partition("=")
        if name in PATHS and equals:
            found[index] = f"{name}={Path(STOOD, value)}"
        elif name in PATHS and index + 1 < len(given):
            found[index + 1] = str(Path(STOOD, given[index + 1]))
    return found


def configuration_file(name: str) -> str:
    """The file that the user calls `name`: a path from where the user stands, or config/NAME.yaml."""
    candidates = [Path(STOOD, name), Path(name), Path("config", f"{name}.yaml")]
    found = next((path for path in candidates if path.suffix in (".yaml", ".yml") and path.is_file()), None)
    if found is None:
        known = sorted(path.stem for path in Path("config").glob("*.yaml"))
        hint = words.did_you_mean(name, [*known, *PROJECT])
        hint = hint if hint.startswith("did") else f"configurations: {', '.join(known)}; see --help"
        raise ConfigurationError(f"{name!r} is neither a configuration, a YAML file nor a command; {hint}")
    return os.path.relpath(found)


def _refuse_config(rest: list[str], config: str) -> None:
    if {"--config", "-C"} & {word.split("=")[0] for word in rest}:
        instead = ", or use --set KEY=VALUE, which keeps the results apart" if rest[0] == "run" else ""
        raise ConfigurationError(f"{rest[0]} uses {config} as it is, without --config; change the file{instead}")


def version() -> str:
    """The versions that decide what is computed."""
    import tomllib

    project = tomllib.loads(Path("pyproject.toml").read_text())["project"]
    packages = [f"{name} {metadata.version(name)}" for name in ("torch", "snakemake")]
    return ", ".join([f"{project['name']} {project['version']}", f"Python {sys.version.split()[0]}", *packages])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
