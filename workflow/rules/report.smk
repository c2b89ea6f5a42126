"""From the records of the runs to tables, figures, the report and the article, without data or training."""

from workflow.reporting.tables import TABLES

PAPER_SOURCES = sorted(os.path.relpath(path) for path in ROOT.glob("paper/*") if path.is_file())
TEMPLATES = sorted(os.path.relpath(path) for path in ROOT.glob("workflow/reporting/report/templates/*"))
FORMS = ["csv", "tex", "md"]
MEASURED = [name for name, table in TABLES.items() if table.needs == "records"]
COUNTED = [name for name, table in TABLES.items() if table.needs == "configuration"]
PAPER = f"{RESULTS}/paper.pdf" if shutil.which("latexmk") else []


rule configuration:
    output:
        f"{RESULTS}/config.yaml",
    log:
        f"{LOGS}/configuration.log",
    localrule: True
    conda:
        ENVIRONMENT
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
    conda:
        ENVIRONMENT
    params:
        runs=lambda wildcards, output: f"{dirname(output[0])}/runs",
        checkpoints=lambda wildcards, output: f"{dirname(output[0])}/checkpoints",
    message:
        "Collecting the records"
    shell:
        "python -m workflow.reporting.collect --from {params.runs} --output {output} --checkpoints {params.checkpoints}"
        " 2> >(tee {log} >&2)"


rule tables:
    input:
        rules.collect.output,
        config=rules.configuration.output[0],
        leakage=expand(f"{DATA}/leakage.csv", dataset=CONFIG.datasets),
        paper=PAPER_SOURCES,
        code=code("tables"),
    output:
        expand(f"{RESULTS}/tables/{{table}}.{{form}}", table=MEASURED, form=FORMS),
    log:
        f"{LOGS}/tables.log",
    conda:
        ENVIRONMENT
    params:
        results=lambda wildcards, input: dirname(input.config),
        folder=lambda wildcards, output: dirname(output[0]),
        tables=[f"--tables {name}" for name in MEASURED],
    message:
        "Making the tables"
    shell:
        "python -m workflow.commands.tables --from {params.results} --config {input.config}"
        " --output {params.folder} {params.tables} 2> {log}"


rule counts:
    input:
        config=rules.configuration.output[0],
        code=code("tables"),
    output:
        expand(f"{RESULTS}/tables/{{table}}.{{form}}", table=COUNTED, form=FORMS),
    log:
        f"{LOGS}/counts.log",
    conda:
        ENVIRONMENT
    params:
        folder=lambda wildcards, output: dirname(output[0]),
    message:
        "Counting parameters and operations"
    shell:
        "python -m workflow.commands.tables --config {input.config} --output {params.folder} 2> {log}"


rule figures:
    input:
        rules.collect.output,
        config=rules.configuration.output[0],
        leakage=rules.tables.input.leakage,
        paper=PAPER_SOURCES,
        code=code("figures"),
    output:
        f"{RESULTS}/figures/captions.json",  # names every figure; one with nothing to show has no files
    log:
        f"{LOGS}/figures.log",
    conda:
        ENVIRONMENT
    params:
        results=lambda wildcards, input: dirname(input.config),
        folder=lambda wildcards, output: dirname(output[0]),
    message:
        "Drawing the figures"
    shell:
        "python -m workflow.commands.figures --from {params.results} --config {input.config}"
        " --output {params.folder} 2> {log}"


rule report:
    input:
        rules.collect.output,
        config=rules.configuration.output[0],
        leakage=rules.tables.input.leakage,
        paper=PAPER_SOURCES,
        templates=TEMPLATES,
        code=code("report"),
    output:
        f"{RESULTS}/report.html",
    log:
        f"{LOGS}/report.log",
    conda:
        ENVIRONMENT
    params:
        results=lambda wildcards, input: dirname(input.config),
    message:
        "Writing the report"
    shell:
        "python -m workflow.reporting.report.page --from {params.results} --config {input.config}"
        " --output {output} 2> {log}"


rule paper:
    input:
        rules.collect.output,
        config=rules.configuration.output[0],
        leakage=rules.tables.input.leakage,
        paper=PAPER_SOURCES,
        code=code("paper"),
    output:
        pdf=f"{RESULTS}/paper.pdf",
        arxiv=f"{RESULTS}/arxiv.tar.gz",
    log:
        f"{LOGS}/paper.log",
    conda:
        ENVIRONMENT
    params:
        results=lambda wildcards, input: dirname(input.config),
    message:
        "Typesetting the article"
    shell:
        "python -m workflow.reporting.paper.article --from {params.results} --config {input.config}"
        " --output {output.pdf} --arxiv {output.arxiv} 2> {log}"


onstart:
    if not PAPER:
        logger.info(f"latexmk is not installed: {RESULTS}/paper.pdf is left out, everything else is made")
