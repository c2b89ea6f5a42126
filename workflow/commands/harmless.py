"""Declare the present code, and the pins, equal in effect to what made the results: nothing is made again for them.

    ./reproduce CONFIG harmless

For an edit that changes no number, such as a new name or a faster way to the same sums. Comments, docstrings and
layout need no declaring. What else changed (configuration, data) is made again as ever. It is your word: records keep
the commit that they were made at.
"""

import argparse
import os
import subprocess
import sys
from pathlib import Path

from workflow.experiments.configuration_file import load_own
from workflow.experiments.problems import ConfigurationError


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="./reproduce CONFIG harmless", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--config", required=True, help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    try:
        config = load_own(options.config)
    except ConfigurationError as error:
        sys.exit(f"error: {error}")
    owners = dict.fromkeys((config.data_owner, config.name))
    places = [Path("results", owner) for owner in owners] + [Path("resources/demo")] * ("demo" in config.datasets)
    listings = [path for place in places for path in sorted((place / "sources").glob("*.sha256"))]
    if not listings:
        sys.exit(f"error: {config['name']} has no results yet whose code could be declared harmless")
    before = {path: (path.stat(), path.read_text()) for path in listings}
    command = [sys.executable, "-m", "snakemake", "--configfile", options.config]
    command += ["--nolock", "--cores", "1", "--quiet", "all"]
    for path in listings:  # written anew from the code; with the old time of change nothing else is behind it
        path.unlink()
    made = subprocess.run([*command, "--", *map(str, listings)])
    for path, (stat, text) in before.items():
        if not path.exists():
            path.write_text(text)
        os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    if made.returncode:
        return made.returncode
    changed = [path for path, (_, text) in before.items() if path.read_text() != text]
    print(f"{len(changed)} of {len(listings)} listings of code changed; what they made counts as made by this code")
    return 0


if __name__ == "__main__":
    sys.exit(main())
