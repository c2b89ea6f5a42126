"""Render tables as LaTeX (pandas Styler) and Markdown (tabulate). All escaping of text happens here."""

from collections.abc import Sequence

import pandas as pd
from tabulate import tabulate

from workflow.reporting.table import Cell, Column, Printed
from workflow.reporting.widths import EM, GAP, INCH, SKIP, broken, fit, tiers

GREEK = "alpha beta gamma delta epsilon eta theta kappa lambda mu nu xi pi rho sigma tau phi chi psi omega"
GREEK += " Gamma Delta Theta Lambda Xi Pi Sigma Phi Psi Omega"
GREEK_LETTERS = zip("αβγδεηθκλμνξπρστφχψωΓΔΘΛΞΠΣΦΨΩ", GREEK.split(), strict=True)
TEX_ESCAPES = str.maketrans({
    "\\": r"\textbackslash{}", "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_", "{": r"\{", "}": r"\}",
    "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "<": r"\textless{}", ">": r"\textgreater{}",
    "|": r"\textbar{}", "—": "---", "–": "--", "±": r"$\pm$", "×": r"$\times$", "−": "$-$", "≥": r"$\geq$",
    "≤": r"$\leq$", "·": r"$\cdot$", "²": r"\textsuperscript{2}", "\u202f": r"\,", "\n": " ", "\u00a0": "~",
    '"': r"\char34{}",  # in German, "o is an umlaut
    **{letter: rf"$\{name}$" for letter, name in GREEK_LETTERS},
})  # fmt: skip
MARKDOWN_ESCAPES = str.maketrans({"|": "\\|", "\n": " ", "*": "\\*", "_": "\\_", "<": "&lt;", "[": "\\[", "`": "\\`"})
TEX_MARKS = {"": "", "best": "textbf:--rwrap;", "second": "underline:--rwrap;"}
MARKDOWN_MARKS = {"": "{}", "best": "**{}**", "second": "<u>{}</u>"}


def escape_tex(text: str) -> str:
    """Return `text` so that LaTeX prints it character by character."""
    return text.replace(" %", "\u00a0%").translate(TEX_ESCAPES)


def escape_markdown(text: str) -> str:
    """Return `text` so that a Markdown table prints it."""
    return text.translate(MARKDOWN_ESCAPES)


def one_line(line: str) -> str:
    """Return `line` with every run of whitespace, line breaks included, as one space."""
    return " ".join(line.split())


def to_tex(tables: list[Printed], comments: list[str], empty: str) -> str:
    """Return LaTeX for \\input, one float per table. empty: text if `tables` is empty."""
    head = [*(f"% {one_line(line)}" for line in comments), "% needs \\usepackage{booktabs,threeparttable}"]
    head.append("\\providecommand{\\provenance}[1]{}% prints the origin of a table, if a document defines it")
    head.append(
        "\\providecommand{\\continued}{}% gives a further part the number of the first, if a document defines it"
    )
    floats = [_float(table, comments) for table in tables] or [f"{{\\raggedright\\emph{{{escape_tex(empty)}}}\\par}}"]
    return "\n".join(head) + "\n\n" + "\n\n".join(floats) + "\n"


def _float(table: Printed, comments: list[str]) -> str:
    size, tex, _ = _sized(table)
    lines = [
        f"\\begin{{{table.environment}}}[!htbp]",
        "\\centering",
        *(["\\continued"] if table.continued else []),
        "\\begin{threeparttable}",
        f"\\caption{{{escape_tex(table.caption)}}}",
        f"\\label{{{table.label}}}",
        _set_in(size),
        tex,
    ]
    if table.notes:
        lines += [
            "\\begin{tablenotes}[flushleft]\\fontsize{7}{8}\\selectfont",
            *map(_note, table.notes),
            "\\end{tablenotes}",
        ]
    origin = "; ".join(escape_tex(one_line(line)) for line in comments)
    return "\n".join([*lines, "\\end{threeparttable}", f"\\provenance{{{origin}}}", f"\\end{{{table.environment}}}"])


def alone(table: Printed, comments: list[str]) -> str:
    """Return the tabular of a table in its size, for \\input inside any environment; requires only booktabs."""
    size, tex, em = _sized(table)
    width = f"{em * EM[size] / INCH:.2f} inches wide in Computer Modern at {size} pt"
    head = [*comments, table.caption, *table.notes, f"{width}; needs \\usepackage{{booktabs}}"]
    return "\n".join([*(f"% {one_line(line)}" for line in head), f"{{{_set_in(size)}%", tex]) + "}%\n"


def _set_in(size: int) -> str:
    return f"\\fontsize{{{size}}}{{{SKIP[size]:g}}}\\selectfont\\setlength{{\\tabcolsep}}{{{GAP / 2}em}}"


def _sized(table: Printed) -> tuple[int, str, float]:
    """Return a table's size, its tabular (one in another for each tier, if it needs several) and its width in em."""
    across = [place for place, column in enumerate(table.columns) if column.below]
    under = [[row[place] for place in across] for _, block in table.blocks for row in block]
    parts = tiers(table)
    found = [fit(part) for part in parts]
    texts = [tabular(part, under if place == 0 else ()) for place, part in enumerate(parts)]
    if len(texts) > 1:
        texts = ["\\begin{tabular}{@{}c@{}}", "\\\\[1ex]\n".join(texts), "\\end{tabular}"]
    return min(one.size for one in found), "\n".join(texts), max(one.total for one in found)


def tabular(table: Printed, under: Sequence[Sequence[Cell]] = ()) -> str:
    """Return the tabular environment alone. under: the cells to print below each row."""
    rows: list[list[Cell]] = []
    found, below = fit(table), iter(under)
    ragged = [place for place in found.narrowed if table.columns[place].align == "l"]
    for title, block in table.blocks:
        if title:
            rows.append(_across(f"\\emph{{{escape_tex(title)}}}", table, "\\addlinespace " if rows else ""))
        for row in block:
            rows += [row, *(_across(f"{_tex(cell)}\\smallskip", table) for cell in next(below, ()) if cell.text)]
    style = pd.DataFrame(rows, columns=range(len(table.columns)), dtype=object).style.hide(axis="index")
    style = style.format({place: _ragged if place in ragged else _tex for place in range(len(table.columns))})
    style = style.map(lambda cell: TEX_MARKS[cell.mark])
    style = style.format_index(lambda place: _heading(table.columns[place], found.narrowed.get(place)), axis=1)
    aligns: list[str] = [column.align for column in table.columns]
    aligns = [f"p{{{found.narrowed[i]:.2f}em}}" if i in ragged else own for i, own in enumerate(aligns)]
    return style.to_latex(column_format=f"@{{}}{''.join(aligns)}@{{}}", hrules=True).rstrip()


def _across(tex: str, table: Printed, before: str = "") -> list[Cell]:
    """Return a row whose text takes the width of the table; its box of no width leaves the first column as it is."""
    box = f"{before}\\makebox[0pt][l]{{\\parbox[t]{{{fit(table).total:.2f}em}}{{\\raggedright {tex}\\strut}}}}"
    return [Cell("", tex=box), *[Cell("")] * (len(table.columns) - 1)]


def _heading(column: Column, narrowed: float | None) -> str:
    lines = broken(column.heading, narrowed) if narrowed else column.heading.split("\n")
    if len(lines) == 1:
        return escape_tex(lines[0])
    stacked = r"\\".join(map(escape_tex, lines))
    return f"\\shortstack[{column.align}]{{{stacked}}}"


def _ragged(cell: Cell) -> str:
    """Return a cell of a narrow column, whose text may break after a slash too."""
    breaking = _tex(cell).replace("/", "/\\allowbreak{}").replace("\\_", "\\_\\allowbreak{}")
    ragged = "\\rightskip0pt plus 1fil\\relax " if cell.text else ""  # \\raggedright would redefine \\\\
    return ragged + breaking


def _note(note: str) -> str:
    """Return the LaTeX of a note; "a) ..." gets the letter a, like the cells it belongs to."""
    return f"\\item[{note[0]}] {escape_tex(note[3:])}" if note[1:3] == ") " else f"\\item {escape_tex(note)}"


def _tex(cell: Cell) -> str:
    return (cell.tex or escape_tex(cell.text.replace(" ± ", "±"))) + (f"$^{{{cell.note}}}$" if cell.note else "")


def to_markdown(title: str, tables: list[Printed], comments: list[str], empty: str) -> str:
    """Return the tables as Markdown below a heading, with their origin in an HTML comment."""
    origin = "; ".join(one_line(line) for line in comments).replace(">", "&gt;")  # which would end the comment
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
