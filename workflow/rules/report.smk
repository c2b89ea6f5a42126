"""From the records of the runs to tables, figures, the report and the article, without data or training."""

from workflow.reporting.tables import TABLES

PAPER_SOURCES = sorted(os.path.relpath(path) for path in ROOT.glob("paper/*") if path.is_file())
FORMS = ["csv", "tex", "md"]
MEASURED = [name for name, table in TABLES.items() if table.needs == "records"]
COUNTED = [name for name, table in TABLES.items() if table.needs == "configuration"]
FROM = f"--from {RESULTS}"
PAPER = f"{RESULTS}/paper.pdf" if shutil.which("latexmk") else []


rule configuration:
    output:
        f"{RESULTS}/config.yaml",
    log:
        f"{LOGS}/configuration.log",
    params:
        config=json.dumps(CONFIG.plain),
    message:
        "Resolving the configuration"
    shell:
        "python -m workflow.experiments.configuration_file {params.config:q} > {output} 2> {log}"


rule collect:
    input:
        rules.trained.input,
        code=code("collect"),
    output:
        f"{RESULTS}/results.csv",
    log:
        f"{LOGS}/collect.log",
    params:
        runs=lambda wildcards, output: f"{dirname(output[0])}/runs",
        checkpoints=lambda wildcards, output: f"{dirname(output[0])}/checkpoints",
    message:
        "Collecting the records"
    shell:
        "python -m workflow.reporting.collect --from {params.runs} --output {output} --checkpoints {params.checkpoints}"
        " 2> >(tee {log} >&2)"


RECORDS = [rules.collect.output, expand(f"{DATA}/leakage.csv", dataset=CONFIG.datasets), PAPER_SOURCES]
STEPS = {
    "counts": {
        "input": [],  # neither records nor data
        "output": expand(f"{RESULTS}/tables/{{table}}.{{form}}", table=COUNTED, form=FORMS),
        "options": f"--output {RESULTS}/tables",
        "message": "Counting parameters and operations",
    },
    "tables": {
        "output": expand(f"{RESULTS}/tables/{{table}}.{{form}}", table=MEASURED, form=FORMS),
        "options": " ".join([FROM, f"--output {RESULTS}/tables", *(f"--tables {name}" for name in MEASURED)]),
        "message": "Making the tables",
    },
    "figures": {
        "output": f"{RESULTS}/figures/captions.json",  # names every figure; one with nothing to show has no files
        "options": f"{FROM} --output {RESULTS}/figures",
        "message": "Drawing the figures",
    },
    "report": {
        "input": RECORDS + sorted(os.path.relpath(path) for path in ROOT.glob("workflow/reporting/report/templates/*")),
        "output": f"{RESULTS}/report.html",
        "options": f"{FROM} --output {RESULTS}/report.html",
        "message": "Writing the report",
    },
    "paper": {
        "output": [f"{RESULTS}/paper.pdf", f"{RESULTS}/arxiv.tar.gz"],
        "options": f"{FROM} --output {RESULTS}/paper.pdf --arxiv {RESULTS}/arxiv.tar.gz",
        "message": "Typesetting the article",
    },
}

for target, made in STEPS.items():

    rule:
        name:
            target
        input:
            made.get("input", RECORDS),
            config=rules.configuration.output[0],
            code=code(target),
        output:
            made["output"],
        log:
            f"{LOGS}/{target}.log",
        params:  # and not the loop's variables in the shell, which is formatted when the loop has ended
            module=REPORTING[target][0],
            options=made["options"],
        message:
            made["message"]
        shell:
            "python -m {params.module} --config {input.config} {params.options} 2> {log}"


onstart:
    if not PAPER:
        logger.info(f"latexmk is not installed: {RESULTS}/paper.pdf is left out, everything else is made")
