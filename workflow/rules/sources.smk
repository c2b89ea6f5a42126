"""Checksums of the code of each step: a change makes the step's results outdated."""


rule sources:
    output:
        "{place}/sources/{step}.sha256",
    log:
        "{place}/logs/sources/{step}.log",
    params:
        modules=lambda wildcards: modules(wildcards.step),
        # not the files themselves as inputs: edits of comments or of another package's pin do not matter
        digest=lambda wildcards: digest_of(wildcards.step),
    message:
        "Sources of {wildcards.step}"
    shell:
        "python -m workflow.experiments.sources {params.modules} > {output} 2> {log}"
