"""macros.tex: every number in the article's text, as a macro made from the records."""

from workflow.reporting.content.material import Material
from workflow.reporting.render import escape_comment, escape_tex, number

MODULE = "workflow.reporting.macros"


def values(material: Material) -> dict[str, str]:
    """Macro name -> plain text; a quantity that the records do not give reads (not available)."""
    records = material.records
    return {
        "recordsTotal": number(len(records)),
        "recordsGood": number(len(material.good)),
        "recordsMissing": number(len(material.holes)),
        "provenanceRecords": material.provenance.records,
        "provenanceCommits": material.provenance.commits,
        "provenanceScript": material.provenance.script,
    }


def to_tex(material: Material) -> str:
    """The macros as LaTeX; each ends in \\xspace so that it can stand before a word."""
    lines = [f"% {escape_comment(line)}" for line in material.provenance.lines(MODULE)]
    for name, text in values(material).items():
        body = escape_tex(text.replace("\u2009", "@@")).replace("@@", r"\,")
        lines.append(f"\\newcommand{{\\{name}}}{{{body}\\xspace}}")
    return "\n".join(lines) + "\n"
