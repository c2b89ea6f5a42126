"""The code of each step, by content: a change makes the step's results outdated."""


rule sources:
    output:
        "{place}/sources/{step}.sha256",
    log:
        "{place}/logs/sources/{step}.log",
    params:
        modules=lambda wildcards: modules(wildcards.step),
        # not the files themselves as inputs: an edit of a comment or of another package's pin does not matter
        digest=lambda wildcards: digest_of(wildcards.step),
    message:
        "Sources of {wildcards.step}"
    shell:
        "python -m workflow.experiments.sources {params.modules} > {output} 2> {log}"
