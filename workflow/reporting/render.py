"""Render tables as LaTeX (pandas Styler) and Markdown (tabulate). All escaping of text happens here."""

from collections.abc import Iterator

import pandas as pd
from tabulate import tabulate

from workflow.reporting.table import Cell, Column, Printed

TEX_ESCAPES = {
    "\\": r"\textbackslash{}", "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_", "{": r"\{", "}": r"\}",
    "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "<": r"\textless{}", ">": r"\textgreater{}",
    "|": r"\textbar{}", "—": "---", "–": "--", "±": r"$\pm$", "×": r"$\times$", "−": "$-$", "≥": r"$\geq$",
    "≤": r"$\leq$", "τ": r"$\tau$", "·": r"$\cdot$", "²": r"\textsuperscript{2}", "\u2009": r"\,", "Σ": r"$\Sigma$",
    "\n": " ",
}  # fmt: skip
MARKDOWN_ESCAPES = {"|": "\\|", "\n": " ", "*": "\\*", "_": "\\_", "<": "&lt;", "[": "\\[", "`": "\\`"}
TEX_MARKS = {"": "", "best": "textbf:--rwrap;", "second": "underline:--rwrap;"}
MARKDOWN_MARKS = {"": "{}", "best": "**{}**", "second": "<u>{}</u>"}
PAGE = 56  # rows of a table on a page, besides the titles of blocks
COLUMN_WIDTH = 50  # characters of \small text in one of two columns


def escape_tex(text: str) -> str:
    """Return `text` so that LaTeX prints it character by character."""
    return "".join(TEX_ESCAPES.get(character, character) for character in text)


def escape_markdown(text: str) -> str:
    """Return `text` so that a Markdown table prints it."""
    return "".join(MARKDOWN_ESCAPES.get(character, character) for character in text)


def one_line(line: str) -> str:
    """Return `line` with every run of whitespace, line breaks included, as one space."""
    return " ".join(line.split())


def to_tex(tables: list[Printed], comments: list[str], empty: str) -> str:
    """Return LaTeX for \\input, one float per table; requires only booktabs. empty: text if `tables` is empty."""
    head = [*(f"% {one_line(line)}" for line in comments), "% needs \\usepackage{booktabs}"]
    head.append("\\providecommand{\\provenance}[1]{}% prints the origin of a table, if a document defines it")
    floats = [_float(page, comments) for table in tables for page in _pages(table)]
    floats = floats or [f"\\emph{{{escape_tex(empty)}}}\\par"]
    return "\n".join(head) + "\n\n" + "\n\n".join(floats) + "\n"


def _pages(table: Printed) -> Iterator[Printed]:
    """Yield parts of a table that fit on a page; the last has the notes."""
    rows = [(title, row) for title, block in table.blocks for row in block]
    for number, first in enumerate(range(0, len(rows), PAGE)):
        blocks: dict[str, list[list[Cell]]] = {}
        for title, row in rows[first : first + PAGE]:
            blocks.setdefault(title, []).append(row)
        page = table._replace(blocks=list(blocks.items()), notes=table.notes if first + PAGE >= len(rows) else [])
        if number:
            page = page._replace(label=f"{table.label}-{number + 1}", caption=f"{table.caption} Continued.")
        yield page


def _float(table: Printed, comments: list[str]) -> str:
    rows = sum(len(block) + bool(title) for title, block in table.blocks)
    size = "\\small" if rows <= 32 else "\\footnotesize" if rows <= 46 else "\\scriptsize"
    environment = "table*" if _is_wide(table) else "table"  # in one-column documents table* equals table
    lines = [
        f"\\begin{{{environment}}}[!htbp]",
        f"\\centering{size}\\setlength{{\\tabcolsep}}{{3.5pt}}",
        f"\\caption{{{escape_tex(table.caption)}}}",
        f"\\label{{tab:{table.label}}}",
        tabular(table),
    ]
    if table.notes:
        lines += ["", "\\smallskip", "\\begin{minipage}{0.96\\linewidth}\\footnotesize"]
        lines += [*(f"{_note(note)}\\par" for note in table.notes), "\\end{minipage}"]
    origin = "; ".join(escape_tex(one_line(line)) for line in comments)
    return "\n".join([*lines, f"\\provenance{{{origin}}}", f"\\end{{{environment}}}"])


def tabular(table: Printed) -> str:
    """Return the tabular environment alone."""
    rows: list[list[Cell]] = []
    for title, block in table.blocks:
        if title:  # zero-width box, so that the title does not widen the first column
            space = "\\addlinespace " if rows else ""
            heading = f"{space}\\makebox[0pt][l]{{\\emph{{{escape_tex(title)}}}}}"
            rows.append([Cell("", tex=heading), *[Cell("")] * (len(table.columns) - 1)])
        rows += block
    style = pd.DataFrame(rows, columns=range(len(table.columns)), dtype=object).style.hide(axis="index")
    style = style.format(_tex).map(lambda cell: TEX_MARKS[cell.mark])
    style = style.format_index(lambda place: _heading(table.columns[place]), axis=1)
    align = "".join(f"p{{{column.width}}}" if column.width else column.align for column in table.columns)
    return style.to_latex(column_format=f"@{{}}{align}@{{}}", hrules=True).rstrip()


def _heading(column: Column) -> str:
    lines = [escape_tex(line) for line in column.heading.split("\n")]
    stacked = r"\\".join(lines)
    return stacked if len(lines) == 1 else f"\\shortstack[{column.align}]{{{stacked}}}"


def _is_wide(table: Printed) -> bool:
    """Return whether a table needs the full width of a page with two columns."""
    rows = [[cell.text for cell in row] for _, block in table.blocks for row in block]
    columns = zip(table.columns, zip(*rows, strict=True), strict=True)
    widths = [max(map(len, [*column.heading.split("\n"), *texts])) for column, texts in columns]
    return any(column.width for column in table.columns) or sum(widths) + 2.6 * len(widths) > COLUMN_WIDTH


def _note(note: str) -> str:
    """Return the LaTeX of a note; "a) ..." gets the superscript a, like the cells it belongs to."""
    return f"$^{{{note[0]}}}$ {escape_tex(note[3:])}" if note[1:3] == ") " else escape_tex(note)


def _tex(cell: Cell) -> str:
    return (cell.tex or escape_tex(cell.text)) + (f"$^{{{cell.note}}}$" if cell.note else "")


def to_markdown(title: str, tables: list[Printed], comments: list[str], empty: str) -> str:
    """Return the tables as Markdown below a heading, with their origin in an HTML comment."""
    origin = "; ".join(one_line(line) for line in comments).replace("--", "- -")
    lines = [f"<!-- {origin} -->", f"# {title}"]
    for table in tables:
        rows = []
        for block, cells in table.blocks:
            rows += [[f"*{escape_markdown(block)}*"]] if block else []
            rows += [[_markdown(cell) for cell in row] for row in cells]
        heads = [escape_markdown(column.heading) for column in table.columns]
        aligns = [{"r": "right", "l": "left"}[column.align] for column in table.columns]
        text = tabulate(rows, heads, tablefmt="pipe", colalign=aligns, disable_numparse=True)
        lines += ["", f"**{escape_markdown(table.caption)}**", "", text, ""]
        lines += [f"- {escape_markdown(note)}" for note in table.notes]
    if not tables:
        lines += ["", empty]
    return "\n".join(lines).rstrip() + "\n"


def _markdown(cell: Cell) -> str:
    return MARKDOWN_MARKS[cell.mark].format(escape_markdown(cell.text)) + (f" ({cell.note})" if cell.note else "")
