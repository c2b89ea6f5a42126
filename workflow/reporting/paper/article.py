"""paper.pdf: the article, with numbers, tables and figures from the records; and its sources for arXiv.

Without latexmk, print one line, exit with status 0 and write nothing: nothing else needs LaTeX.
"""

import argparse
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

from workflow.commands import figures, tables
from workflow.reporting import render
from workflow.reporting.drawing.figure import Drawing
from workflow.reporting.drawing.panels import COLUMN
from workflow.reporting.figures import FIGURES
from workflow.reporting.files import ReportingError, write_bytes, write_text
from workflow.reporting.paper import macros, overview
from workflow.reporting.results import Results, gather
from workflow.reporting.tables import TABLES

MODULE = "workflow.reporting.paper.article"
SOURCES = Path(__file__).resolve().parents[3] / "paper"
FIXED = ("paper.tex", "references.bib")
EPOCH = "1622505600"  # June 2021, the month of the conference: a PDF's dates must not change its bytes


def prepare(results: Results, folder: Path) -> None:
    """Fill `folder` with everything that paper.tex reads."""
    for name in FIXED:
        shutil.copyfile(SOURCES / name, folder / name)
    tables.write(results, folder / "tables", list(TABLES))
    write_text(folder / "tables.tex", "".join(f"\\input{{tables/{name}}}\n" for name in TABLES))
    drawings = figures.write(results, folder / "figures", list(FIGURES))
    for name, build in overview.TABLES.items():
        write_text(folder / "overview" / f"{name}.tex", overview.to_tex(build(results)))
    write_text(folder / "macros.tex", macros.to_tex(results))
    write_text(folder / "figures.tex", declared(drawings))
    for unused in [*folder.glob("tables/*.[cm]*"), *folder.glob("figures/*.png"), *folder.glob("figures/*.json")]:
        unused.unlink()


def declared(drawings: dict[str, Drawing]) -> str:
    """Return a line of LaTeX per figure: paper.tex places those with something to show and lists the others."""
    lines = []
    for name, (canvas, text) in drawings.items():
        if canvas is None:
            lines.append(f"\\omittedfigure{{{render.escape_tex(FIGURES[name].title)}}}{{{render.escape_tex(text)}}}")
        else:
            environment = "figure*" if canvas.get_figwidth() > COLUMN else "figure"
            lines.append(f"\\drawnfigure{{{environment}}}{{{name}}}{{{render.escape_tex(text)}}}")
    return "\n".join(lines) + "\n"


def compile_pdf(folder: Path) -> None:
    """Run latexmk in `folder`; raise ReportingError with LaTeX's first error if it fails."""
    environment = os.environ | {"SOURCE_DATE_EPOCH": EPOCH, "FORCE_SOURCE_DATE": "1"}
    command = ["latexmk", "-pdf", "-interaction=nonstopmode", "-halt-on-error", "-silent", "paper.tex"]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        log = folder / "paper.log"
        output = log.read_text(errors="replace") if log.is_file() else done.stdout + done.stderr
        error = re.search(r"^! .*(?:\n.*){0,3}", output, re.MULTILINE)
        detail = " ".join(error.group().split()) if error else output.strip()[-300:]
        raise ReportingError(f"LaTeX failed: {detail}")


def arxiv(folder: Path, target: Path) -> None:
    """Pack what arXiv needs (sources, bibliography, tables, figures); the same sources give the same bytes."""
    buffer = io.BytesIO()
    wanted = [path for path in sorted(folder.rglob("*")) if path.suffix in (".tex", ".bib", ".bbl", ".pdf")]
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for path in wanted:
            if path == folder / "paper.pdf":
                continue
            entry = tarfile.TarInfo(path.relative_to(folder).as_posix())
            entry.size, entry.mtime, entry.mode = path.stat().st_size, int(EPOCH), 0o644
            with path.open("rb") as stream:
                archive.addfile(entry, stream)
    write_bytes(target, gzip.compress(buffer.getvalue(), mtime=0))


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog=f"python -m {MODULE}", description=__doc__)
    parser.add_argument("--from", dest="root", required=True, metavar="DIR", help="folder that holds records")
    parser.add_argument("--output", required=True, metavar="FILE", help="paper.pdf")
    parser.add_argument("--arxiv", metavar="FILE", help="arxiv.tar.gz")
    parser.add_argument("--config", metavar="FILE", help="configuration whose runs are expected")
    parser.add_argument("--layout", metavar="FILE", help="columns, rows, order, precision (paper/layout.yaml)")
    parser.add_argument("--reported", metavar="FILE", help="reported numbers (paper/reported.csv)")
    options = parser.parse_args(arguments)
    if shutil.which("latexmk") is None:
        print(
            "paper: latexmk is not installed, so there is no paper.pdf; nothing else needs it",
            file=sys.stderr,
        )
        return 0
    try:
        results = gather(options.root, options.config, options.layout, options.reported)
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            prepare(results, folder)
            compile_pdf(folder)
            write_bytes(options.output, (folder / "paper.pdf").read_bytes())
            if options.arxiv:
                arxiv(folder, Path(options.arxiv))
    except ReportingError as error:
        sys.exit(f"paper: {error}")
    print(f"paper: {options.output} from {results.provenance.records}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
