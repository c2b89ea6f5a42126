"""paper.pdf: the article, with numbers, tables and figures from the records; and its sources for arXiv.

Without latexmk, print one line, exit with status 0 and write nothing: nothing else needs LaTeX.
"""

import errno
import gzip
import io
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path
from typing import Annotated

import typer

from workflow.reporting import captions, options, provenance, render, tables
from workflow.reporting.captions import Caption
from workflow.reporting.paper import macros, overview
from workflow.reporting.results import Results, gather
from workflow.reporting.tables import TABLES
from workflow.storage.command_line import command_line
from workflow.storage.errors import InputError, is_full
from workflow.storage.files import write_bytes, write_text

SOURCES = Path(__file__).resolve().parents[3] / "paper"
HEIGHT = 4.0  # inches, of a table at most: of two in a column, with captions and notes


def prepare(results: Results, figures: Path, folder: Path) -> None:
    """Fill `folder` with everything that paper.tex reads. figures: folder of the drawn figures."""
    for name in ("paper.tex", "references.bib"):
        shutil.copyfile(SOURCES / name, folder / name)
    tables.write(results, folder / "tables", list(TABLES), HEIGHT)
    printed = [
        name for name in TABLES if "\\caption" in (folder / "tables" / f"{name}.tex").read_text(encoding="utf-8")
    ]
    write_text(folder / "tables.tex", "".join(f"\\input{{tables/{name}}}\n" for name in printed))
    found = captions.read(figures)
    for name in found:
        write_bytes(folder / "figures" / f"{name}.pdf", (figures / f"{name}.pdf").read_bytes())
    for name, table in overview.tables(results).items():
        write_text(folder / "overview" / f"{name}.tex", overview.to_tex(table))
    write_text(folder / "macros.tex", macros.to_tex(results))
    write_text(folder / "figures.tex", declared(found))


def declared(found: dict[str, Caption]) -> str:
    """Return a line of LaTeX per drawn figure."""
    return "".join(
        f"\\drawnfigure{{{own.width}}}{{{name}}}{{{render.escape_tex(own.text)}}}\n" for name, own in found.items()
    )


def compile_pdf(folder: Path) -> None:
    """Run latexmk in `folder`; raise InputError with LaTeX's first error if it fails."""
    # the date of the text, so that the same sources give the same bytes
    environment = os.environ | {"SOURCE_DATE_EPOCH": provenance.code_date(), "FORCE_SOURCE_DATE": "1"}
    command = ["latexmk", "-pdf", "-interaction=nonstopmode", "-halt-on-error", "-silent", "paper.tex"]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    if done.returncode and is_full(folder):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(folder))
    if done.returncode:
        log = folder / "paper.log"
        output = log.read_text(errors="replace") if log.is_file() else done.stdout + done.stderr
        error = re.search(r"^! .*(?:\n.*){0,3}", output, re.MULTILINE)
        detail = " ".join(error.group().split()) if error else output.strip()[-300:]
        raise InputError(f"LaTeX failed: {detail}")


def pack(folder: Path, target: Path) -> None:
    """Pack what arXiv needs (sources, bibliography, tables, figures); the same sources give the same bytes."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for path in sorted(folder.rglob("*")):
            if path.suffix in (".tex", ".bib", ".bbl", ".pdf") and path != folder / "paper.pdf":
                entry, content = tarfile.TarInfo(path.relative_to(folder).as_posix()), path.read_bytes()
                entry.size, entry.mtime = len(content), 0
                archive.addfile(entry, io.BytesIO(content))
    write_bytes(target, gzip.compress(buffer.getvalue(), mtime=0))


def write(results: Results, figures: Path, output: Path, arxiv: Path | None = None) -> None:
    """Typeset the article, with the drawn `figures`, to the file `output`; pack its sources to `arxiv`."""
    if shutil.which("latexmk") is None:
        print("paper: latexmk is not installed, so there is no paper.pdf; nothing else needs it", file=sys.stderr)
        return
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        prepare(results, figures, folder)
        compile_pdf(folder)
        write_bytes(output, (folder / "paper.pdf").read_bytes())
        if arxiv:
            pack(folder, arxiv)
    print(f"paper: {output} from {results.provenance.records}")


def main(
    root: options.Records,
    output: Annotated[Path, typer.Option(metavar="FILE", help="paper.pdf")],
    arxiv: Annotated[Path | None, typer.Option(metavar="FILE", help="arxiv.tar.gz")] = None,
    config: options.Config = None,
) -> None:
    write(gather(root, config), root / "figures", output, arxiv)


if __name__ == "__main__":
    command_line(main)
