"""Snakemake without its start: a process that has imported it forks a child for every call.

Importing takes a second of processor time, two thirds of a dry run.
"""

import atexit
import json
import os
import runpy
import subprocess
import sys
from functools import cache
from pathlib import Path
from tempfile import NamedTemporaryFile


def run(arguments: list[str], folder: Path, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """Do as `python -m snakemake` in a folder; its output is text, stderr and stdout together."""
    server = _started()
    with NamedTemporaryFile() as output:
        server.stdin.write(json.dumps([arguments, str(folder), environment, output.name]) + "\n")
        server.stdin.flush()
        status = int(server.stdout.readline())
        return subprocess.CompletedProcess(arguments, status, Path(output.name).read_text(encoding="utf-8"))


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
            become_snakemake(*request)
        _, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)


def become_snakemake(arguments: list[str], folder: str, environment: dict[str, str], output: str) -> None:
    for number, path in enumerate((os.devnull, output, output)):
        os.dup2(os.open(path, os.O_RDWR | os.O_APPEND), number)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    sys.path[0], sys.argv[1:] = folder, arguments
    sys.orig_argv[1:] = ["-m", "snakemake", *arguments]  # with which it may start itself again
    runpy.run_module("snakemake", run_name="__main__", alter_sys=True)
    sys.exit()


if __name__ == "__main__":
    serve()
