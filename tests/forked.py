"""`python -m MODULE` without the wait for Snakemake: a process that has imported it forks a child for every call.

The import takes a second of processor time, two thirds of a dry run.
"""

import atexit
import json
import os
import runpy
import subprocess
import sys
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

BIN = Path(sys.executable).parent


def run(module: str, arguments: list[str], folder: Path) -> subprocess.CompletedProcess[str]:
    """Run `python -m MODULE ARGUMENTS` in a folder, with the programs of this environment first in PATH."""
    environment = {**os.environ, "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}"}
    server = _started()
    with TemporaryDirectory() as aside:
        streams = [Path(aside, name) for name in ("stdout", "stderr")]
        request = [module, arguments, str(folder), environment, [str(path) for path in streams]]
        server.stdin.write(json.dumps(request) + "\n")
        server.stdin.flush()
        status = int(server.stdout.readline())
        return subprocess.CompletedProcess(arguments, status, *(path.read_text(encoding="utf-8") for path in streams))


@cache
def _started() -> subprocess.Popen[str]:
    server = subprocess.Popen([sys.executable, __file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    atexit.register(server.communicate)  # it ends with its input
    return server


def serve() -> None:
    """Answer each request, a line of standard input, with an exit status on standard output."""
    import pydantic  # noqa: F401 -- what a Snakefile imports
    import snakemake.cli  # noqa: F401
    import typer  # noqa: F401

    for line in sys.stdin:
        request = json.loads(line)
        child = os.fork()
        if child == 0:
            become(*request)
        _, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)


def become(module: str, arguments: list[str], folder: str, environment: dict[str, str], streams: list[str]) -> None:
    """Go on as `python -m MODULE ARGUMENTS`, with its output in two files."""
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    for number, path in enumerate(streams, 1):
        os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT), number)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    sys.path[0], sys.argv[:] = folder, ["-m", *arguments]
    sys.orig_argv[1:] = ["-m", module, *arguments]  # with which it may start itself again
    try:
        runpy.run_module(module, run_name="__main__", alter_sys=True)
    except SystemExit as end:
        if isinstance(end.code, str):  # Python prints it
            raise
        atexit._run_exitfuncs()
        print(end="", flush=True)
        os._exit(end.code or 0)  # to free every object takes a third of a second


if __name__ == "__main__":
    serve()
