"""From records to tables, figures, the report and the article; needs neither data nor training."""

from workflow.reporting.tables import TABLES

PAPER_SOURCES = sorted(os.path.relpath(path) for path in ROOT.glob("paper/*") if path.is_file())
SUFFIXES = ["csv", "csv-metadata.json", "tex", "md"]
FROM_RECORDS = [name for name, table in TABLES.items() if table.needs == "records"]
FROM_CONFIGURATION = [name for name, table in TABLES.items() if table.needs == "configuration"]
FROM = f"--from {RESULTS}"
PAPER = [f"{RESULTS}/paper.pdf", f"{RESULTS}/arxiv.tar.gz"]
CAPTIONS = f"{RESULTS}/figures/captions.json"  # lists the drawn figures, with the digests of their files


rule configuration:
    output:
        f"{RESULTS}/config.yaml",
    log:
        f"{LOGS}/configuration.log",
    params:
        config=json.dumps(CONFIG.plain),
    message:
        "Resolving the configuration"
    shell:  # complete or missing: every start checks it
        "python -m workflow.experiments.configuration_file {params.config:q} > {output}.part 2> {log}"
        " && mv {output}.part {output}"


rule collect:
    input:
        rules.trained.input,
        config=rules.configuration.output[0],
    output:
        table=f"{RESULTS}/results.csv",
        columns=f"{RESULTS}/columns.md",
        metadata=f"{RESULTS}/csv-metadata.json",
    log:
        f"{LOGS}/collect.log",
    params:
        code=lambda wildcards: code("collect"),
    message:
        "Collecting the records"
    shell:
        "python -m workflow.reporting.collect --config {input.config} --from $(dirname {output.table})"
        " --output {output.table} 2> >(tee {log} >&2)"


RECORDS = [rules.collect.output.table, expand(f"{DATA}/leakage.csv", dataset=CONFIG.datasets), PAPER_SOURCES]
STEPS = {
    "counts": {
        "input": [],  # neither records nor data
        "output": expand(f"{RESULTS}/tables/{{table}}.{{suffix}}", table=FROM_CONFIGURATION, suffix=SUFFIXES),
        "options": f"--output {RESULTS}/tables",
        "message": "Counting parameters and operations",
    },
    "tables": {
        "output": expand(f"{RESULTS}/tables/{{table}}.{{suffix}}", table=FROM_RECORDS, suffix=SUFFIXES),
        "options": " ".join([FROM, f"--output {RESULTS}/tables", *(f"--tables {name}" for name in FROM_RECORDS)]),
        "message": "Making the tables",
    },
    "figures": {
        "output": [CAPTIONS],
        "options": f"{FROM} --output {RESULTS}/figures",
        "message": "Drawing the figures",
    },
    "report": {
        "input": [
            *RECORDS,
            CAPTIONS,
            *map(os.path.relpath, sorted(ROOT.glob("workflow/reporting/report/templates/*"))),
        ],
        "output": [f"{RESULTS}/report.html"],
        "options": f"{FROM} --output {RESULTS}/report.html",
        "message": "Writing the report",
    },
    "paper": {
        "input": [*RECORDS, CAPTIONS],
        "output": PAPER,
        "options": f"{FROM} --output {RESULTS}/paper.pdf --arxiv {RESULTS}/arxiv.tar.gz",
        "message": "Typesetting the article",
    },
}


for target, step in STEPS.items():

    rule:
        name:
            target
        input:
            step.get("input", RECORDS),
            whole(step["output"]),
            config=rules.configuration.output[0],
        output:
            step["output"],
        log:
            f"{LOGS}/{target}.log",
        params:  # Snakemake formats `shell` after the loop, when `target` and `step` hold the last entry
            code=code(target),
            catalogue=lambda wildcards: list(KNOWN.values()),
            module=REPORTING[target][0],
            options=step["options"],
        message:
            step["message"]
        shell:
            "python -m {params.module} --config {input.config} {params.options} 2> {log}"
