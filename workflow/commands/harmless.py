"""Accept the records of a configuration as made by the present code and pins, so that nothing is trained again.

For edits that change no number, such as a renamed variable or a faster way to compute the same sums. Edits of comments,
docstrings and formatting never need it. Data and tables are made again where their code has changed; runs are not
trained again if the data come out the same. Changes of the configuration or the data still cause reruns. The decision
is yours; records keep the commit that produced them.
"""

import typer

from workflow.commands.pipeline import prepare
from workflow.experiments import experiment, grid
from workflow.experiments.configuration_file import load_own
from workflow.storage import files
from workflow.storage.errors import InputError


def main(context: typer.Context) -> None:
    prepare(context.obj)
    config = load_own(context.obj)
    path, changed, found = config.results / experiment.HARMLESS, 0, 0
    known: dict[str, list[str]] = files.read_json(path) if path.is_file() else {}
    for folder, (run, *_) in grid.experiments(config).items():
        made = experiment.made_by(config.results / "runs" / folder)
        found += bool(made)
        present = experiment.code(run)
        if new := made - {present, *known.get(present, [])}:
            older = {code for digest in new for code in known.get(digest, [])}
            known[present] = sorted({*known.get(present, []), *new, *older} - {present})
            changed += 1
    if not found:
        raise InputError(f"{config.name} has no records yet that an edit of the code could make outdated")
    files.write_json(path, known)
    print(f"{changed} of {found} experiments were made by other code; they count as made by this code.")
