"""Mark the present code, and the pins, as equivalent to what produced the results, so nothing is rerun.

For edits that change no number, such as a renamed variable or a faster way to compute the same sums. Edits of comments,
docstrings and formatting never need it. Changes of the configuration or the data still cause reruns. The decision is
yours; records keep the commit that produced them.
"""

import os
from pathlib import Path

import typer

from workflow.commands.pipeline import prepare, snakemake
from workflow.experiments.configuration_file import load_own
from workflow.storage.errors import InputError


def main(context: typer.Context) -> int:
    prepare(context.obj)
    config = load_own(context.obj)
    owners = dict.fromkeys((config.data_owner, config.name))
    places = [Path("results", owner) for owner in owners] + [Path("resources/demo")] * ("demo" in config.datasets)
    listings = [path for place in places for path in sorted((place / "sources").glob("*.sha256"))]
    if not listings:
        raise InputError(f"{config.name} has no results yet that an edit of the code could make outdated")
    before = {path: (path.stat(), path.read_text()) for path in listings}
    for path in listings:  # rewritten from the present code; the old modification time keeps all later files up to date
        path.unlink()
    code = snakemake(context.obj, ["--cores", "1", "--quiet", "all", "--", *map(str, listings)])
    for path, (stat, text) in before.items():
        if not path.exists():
            path.write_text(text)
        os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    if code:
        return code
    changed = [path for path, (_, text) in before.items() if path.read_text() != text]
    print(f"{len(changed)} of {len(listings)} listings of code changed; what they made counts as made by this code.")
    return 0
