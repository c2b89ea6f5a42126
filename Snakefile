include: "workflow/Snakefile"


# An include never sets the default target, so this file names its own.
rule reproduce:
    default_target: True
    input:
        rules.all.input,
