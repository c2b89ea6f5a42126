"""Build the documentation's site from docs/ into site/; it opens from a disk, without a web server or network."""

import logging
import os
from pathlib import Path
from typing import Annotated

import typer

from workflow.storage.errors import InputError

ROOT = Path(__file__).parents[2]
SITE = ROOT / "site"
CONFIG = str(ROOT / "mkdocs.yml")


def main(
    serve: Annotated[bool, typer.Option("--serve", help="Serve the site instead, rebuilt at each change.")] = False,
) -> None:
    os.environ.setdefault("NO_MKDOCS_2_WARNING", "1")  # an advertisement of the theme, a screen long
    from mkdocs.__main__ import cli
    from mkdocs.commands.build import build
    from mkdocs.config import load_config
    from mkdocs.exceptions import MkDocsException

    if serve:
        cli(["serve", "--config-file", CONFIG])  # ends the process
    logging.basicConfig(format="docs: %(message)s")  # warnings, which are errors
    try:
        config = load_config(CONFIG, site_dir=str(SITE))
        config.plugins.on_startup(command="build", dirty=False)
        build(config)
    except MkDocsException as error:
        raise InputError(str(error)) from None
    config.plugins.on_shutdown()
    print(f"docs: open {SITE / 'index.html'} in a browser")
