"""One job per experiment. Records, checkpoints and metrics.jsonl are not declared outputs, which Snakemake deletes when
a job starts or fails; an interrupted experiment therefore goes on where it stopped."""

FITTED = {name: FORMATS[entry.format].fitted for name, entry in CONFIG.models.items()}
NOTHING = "(?!)"  # a regular expression that matches no name


rule train:
    input:
        clips=f"{DATA}/clips.csv",
        splits=f"{DATA}/splits.json",  # holds the checksum of splits.csv
        digest=checked,
        # large: compared by its digest, not by its modification time
        tensor=lambda wildcards: ancient(f"{DATA}/{FRONT_ENDS[wildcards.front_end].tensor}.npy"),
    output:
        f"{RESULTS}/runs/{EXPERIMENT}/{experiment.NAME}",
    log:
        f"{LOGS}/train/{EXPERIMENT}.log",
    wildcard_constraints:
        model="|".join(name for name in FITTED if not FITTED[name]) or NOTHING,
    priority: 1  # the short jobs come last and fill the gaps while the last of these end
    threads: 1
    resources:
        gpu_slots=1,
    params:
        specification=lambda wildcards: json.dumps(EXPERIMENTS[EXPERIMENT.format(**wildcards)][0].shared),
        # from the output, so that Snakemake does not take a part of the grid for a change
        points=lambda wildcards, output: points(EXPERIMENTS[EXPERIMENT.format(**wildcards)]),
        keep=lambda wildcards, output: CONFIG.keep_weights,
        results=lambda wildcards, output: output[0].partition("/runs/")[0],
    message:
        "Training {wildcards.model} on {wildcards.dataset}/{wildcards.front_end}, {wildcards.protocol}"
    shell:  # exec: a shell would exit on SIGTERM at once, so Snakemake and Slurm would not wait until the run has saved
        "exec python -m workflow.training.experiment --specification {params.specification:q} {params.points}"
        " --data $(dirname {input.clips}) --results {params.results} --keep-weights {params.keep} 2> {log}"


use rule train as fit with:  # asks for no GPU
    wildcard_constraints:
        model="|".join(name for name in FITTED if FITTED[name]) or NOTHING,
    priority: 0
    resources:
        gpu_slots=0,


rule trained:
    input:
        rules.prepared.input,  # so that a deleted file of the data is rebuilt even though its records exist
        [f"{RESULTS}/runs/{folder}/{experiment.NAME}" for folder in EXPERIMENTS],
