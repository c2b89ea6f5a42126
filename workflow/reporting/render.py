"""A table as people read it: cells and sheets, and their LaTeX and Markdown.

The LaTeX of a sheet is a whole `table` environment that needs booktabs only (and siunitx where the layout
asks for it), so that a file can be `\\input` on its own. All text is escaped here and nowhere else.
"""

import math
from typing import NamedTuple

HOLE = "—"
EMPTY = "No records yet."
TEX_ESCAPES = {
    "\\": r"\textbackslash{}", "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_",
    "{": r"\{", "}": r"\}",
    "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "<": r"\textless{}", ">": r"\textgreater{}",
    "—": "---", "–": "--", "±": r"$\pm$", "×": r"$\times$", "−": "$-$", "≥": r"$\geq$", "≤": r"$\leq$",
    "τ": r"$\tau$", "·": r"$\cdot$", "\u2009": r"\,", "Σ": r"$\Sigma$", "\n": " ",
}  # fmt: skip
MARKDOWN_ESCAPES = {"|": "\\|", "\n": " ", "*": "\\*", "_": "\\_", "<": "&lt;", "[": "\\[", "`": "\\`"}


class Cell(NamedTuple):
    """One entry: a text, or a number with its deviation; `mark` is best, second or nothing."""

    text: str
    deviation: str = ""
    mark: str = ""
    number: bool = False
    note: str = ""  # letter of a footnote
    link: str = ""  # path of the runs that it rests on, below runs/
    tex: str = ""  # its LaTeX, where that is more than the text


class Column(NamedTuple):
    """Key in the layout, and the lines of its head."""

    key: str
    head: tuple[str, ...]
    number: bool = True
    width: str = ""  # of a column of running text, as LaTeX has it


class Sheet(NamedTuple):
    """One printed table: blocks of rows, each under a title (which may be empty)."""

    label: str
    caption: str
    columns: list[Column]
    blocks: list[tuple[str, list[list[Cell]]]]
    notes: list[str]


def escape_tex(text: str) -> str:
    """`text` as LaTeX prints it, character by character."""
    return "".join(TEX_ESCAPES.get(character, character) for character in text)


def escape_markdown(text: str) -> str:
    """`text` as Markdown prints it inside a table."""
    return "".join(MARKDOWN_ESCAPES.get(character, character) for character in text)


def number(value: float | int | None, digits: int = 0, sign: bool = False) -> str:
    """A number with thousands set apart by thin spaces (U+2009); the hole where there is none."""
    if value is None or value != value:
        return HOLE
    text = f"{value:{'+' if sign else ''},.{digits}f}".replace(",", "\u2009")
    if sign and value == 0:
        return text[1:]
    if not sign and float(value) and not text.strip("+-0.\u2009"):  # never print a small number as zero
        return f"<{10.0**-digits:.{digits}f}" if value > 0 else f">−{10.0**-digits:.{digits}f}"
    return text.replace("-", "−")


def duration(hours: float) -> str:
    """In hours, or in minutes where it is less than one."""
    return f"{number(hours, 1)} hours" if hours >= 1 else f"{number(60 * hours, 1)} minutes"


def deviation(value: float | None, digits: int) -> str:
    """A standard deviation as it follows ±: with one significant digit where `digits` show none; "" if unknown.

    Never with an exponent, which would be read as that of the mean too.
    """
    if value is None or value != value:
        return ""
    if value < 1e-9:  # what is left of rounding
        return f"{0:.{digits}f}"
    return number(value, digits if value >= 10.0**-digits / 2 else math.ceil(-math.log10(value)))


def to_tex(sheets: list[Sheet], comments: list[str], siunitx: bool = False, empty: str = EMPTY) -> str:
    """The sheets as LaTeX, a table environment each, after `comments`."""
    lines = [f"% {escape_comment(line)}" for line in comments]
    lines.append("% needs \\usepackage{booktabs}" + (" and \\usepackage{siunitx}" if siunitx else ""))
    lines.append("\\providecommand{\\provenance}[1]{}% prints where a table comes from, if a document wants it")
    for sheet in sheets:
        lines += ["", *_tex_table(sheet, comments, siunitx)]
    if not sheets:
        lines += ["", f"\\emph{{{escape_tex(empty)}}}\\par"]
    return "\n".join(lines) + "\n"


def escape_comment(line: str) -> str:
    """A comment stays on its line."""
    return " ".join(line.split())


def _tex_table(sheet: Sheet, comments: list[str], siunitx: bool) -> list[str]:
    align = "".join(
        f"p{{{column.width}}}" if column.width else "r" if column.number else "l" for column in sheet.columns
    )
    height = max(len(column.head) for column in sheet.columns)
    heads = [("",) * (height - len(column.head)) + column.head for column in sheet.columns]
    rows = sum(len(block) + bool(title) for title, block in sheet.blocks)
    size = "\\small" if rows <= 32 else "\\footnotesize" if rows <= 46 else "\\scriptsize"
    place = "table*" if _is_wide(sheet) else "table"
    lines = [
        f"\\begin{{{place}}}[!htbp]",
        f"\\centering{size}\\setlength{{\\tabcolsep}}{{3.5pt}}",
        f"\\caption{{{escape_tex(sheet.caption)}}}",
        f"\\label{{tab:{sheet.label}}}",
        f"\\begin{{tabular}}{{@{{}}{align}@{{}}}}",
        "\\toprule",
    ]
    lines += [" & ".join(escape_tex(head[row]) for head in heads) + r" \\" for row in range(height)]
    lines.append("\\midrule")
    for index, (title, rows) in enumerate(sheet.blocks):
        if index:
            lines.append("\\addlinespace")
        if title:
            lines.append(f"\\multicolumn{{{len(sheet.columns)}}}{{@{{}}l}}{{\\emph{{{escape_tex(title)}}}}} \\\\")
        lines += [" & ".join(_tex_cell(cell, siunitx) for cell in row) + r" \\" for row in rows]
    lines += ["\\bottomrule", "\\end{tabular}"]
    if sheet.notes:
        lines += ["", "\\smallskip", "\\begin{minipage}{0.96\\linewidth}\\footnotesize"]
        lines += [f"{_tex_note(note)}\\par" for note in sheet.notes]
        lines.append("\\end{minipage}")
    origin = "; ".join(escape_tex(escape_comment(line)) for line in comments)
    return [*lines, f"\\provenance{{{origin}}}", f"\\end{{{place}}}"]


def _is_wide(sheet: Sheet) -> bool:
    """Whether a table needs the full width of a page with two columns; where there is one, it changes nothing."""
    if any(column.width for column in sheet.columns):
        return True
    widths = [max(len(line) for line in column.head) for column in sheet.columns]
    for _, rows in sheet.blocks:
        for row in rows:
            sizes = [len(cell.text) + len(cell.deviation) + 3 * bool(cell.deviation) for cell in row]
            widths = [max(pair) for pair in zip(widths, sizes, strict=True)]
    return sum(widths) + 2.6 * len(widths) > 50


def _tex_note(note: str) -> str:
    """Notes that begin with a letter and a bracket, as "a) ...", belong to cells marked with that letter."""
    if note[1:3] == ") ":
        return f"$^{{{note[0]}}}$ {escape_tex(note[3:])}"
    return escape_tex(note)


def _tex_cell(cell: Cell, siunitx: bool) -> str:
    if cell.number and cell.text != HOLE:
        plain, around = (_tex_number(text, siunitx) for text in (cell.text, cell.deviation))
        spread = rf" \pm {around}" if around else ""
        if siunitx and around and "e" in plain:  # siunitx has one exponent for both
            body = rf"$\num{{{plain}}} \pm \num{{{around}}}$"
        elif siunitx:
            body = f"\\num{{{plain}{spread}}}"
        elif cell.mark == "best":  # \textbf does not reach into mathematics
            body = f"$\\mathbf{{{plain}}}{spread}$"
        else:
            body = f"${plain}{spread}$"
    else:
        body = cell.tex or escape_tex(cell.text)
    if cell.mark == "best" and (siunitx or not cell.number):
        body = f"\\textbf{{{body}}}"
    if cell.mark == "second":
        body = f"\\underline{{{body}}}"
    return body + (f"$^{{{cell.note}}}$" if cell.note else "")


def _tex_number(text: str, siunitx: bool) -> str:
    """A number of `number` for mathematics, or for siunitx, which sets powers of ten and thousands apart itself."""
    plain = text.replace("\u2009", "" if siunitx else r"\,").replace("−", "-")
    mantissa, _, exponent = plain.partition("e")
    return rf"{mantissa} \times 10^{{{int(exponent)}}}" if exponent and not siunitx else plain


def to_markdown(title: str, sheets: list[Sheet], comments: list[str], empty: str = EMPTY) -> str:
    """The sheets as Markdown, a heading and a table each; comments as an HTML comment on top."""
    origin = "; ".join(escape_comment(line) for line in comments).replace("--", "- -")
    lines = [f"<!-- {origin} -->", f"# {title}"]
    for sheet in sheets:
        heads = [escape_markdown(" ".join(column.head)) for column in sheet.columns]
        lines += ["", f"**{escape_markdown(sheet.caption)}**", "", "| " + " | ".join(heads) + " |"]
        lines.append("|" + "|".join("---:" if column.number else "---" for column in sheet.columns) + "|")
        for block, rows in sheet.blocks:
            if block:
                lines.append(f"| *{escape_markdown(block)}* |" + " |" * (len(sheet.columns) - 1))
            lines += ["| " + " | ".join(_markdown_cell(cell) for cell in row) + " |" for row in rows]
        lines += ["", *[f"- {escape_markdown(note)}" for note in sheet.notes]]
    if not sheets:
        lines += ["", empty]
    return "\n".join(lines).rstrip() + "\n"


def _markdown_cell(cell: Cell) -> str:
    body = escape_markdown(cell.text) + (f" ± {cell.deviation}" if cell.deviation else "")
    if cell.mark:
        body = f"**{body}**" if cell.mark == "best" else f"<u>{body}</u>"
    return body + (f" ({cell.note})" if cell.note else "")
