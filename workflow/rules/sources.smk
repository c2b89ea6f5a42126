"""What each step executes, by content: a change of the code makes again what it made."""


rule sources:
    output:
        "{place}/sources/{step}.sha256",
    log:
        "{place}/logs/sources/{step}.log",
    localrule: True
    conda:
        ENVIRONMENT
    params:
        modules=lambda wildcards: modules(wildcards.step),
        # not the files as inputs: an edit of a comment, or of another package's pin, is no change of the code
        digest=lambda wildcards: digest_of(wildcards.step),
    message:
        "Sources of {wildcards.step}"
    shell:
        "python -m workflow.experiments.sources {params.modules} > {output} 2> {log}"
