"""One job per run. Checkpoints and metrics.jsonl are not declared outputs, which Snakemake deletes when a job starts or
fails; an interrupted run therefore resumes where it stopped."""


# Thousands of runs share one listing of inputs and code, because Snakemake spends time on every input of every job.
rule inputs:
    input:
        clips=f"{DATA}/clips.csv",
        splits=f"{DATA}/splits.json",  # holds the checksum of splits.csv
        digest=lambda wildcards: f"{DATA}/{FRONT_ENDS[wildcards.front_end].tensor}.json",
        code=lambda wildcards: code(f"train_{CONFIG.models[wildcards.model].format}"),
    output:
        INPUTS,
    log:
        f"{LOGS}/inputs/{{dataset}}/{{front_end}}/{{model}}.log",
    message:
        "Inputs of {wildcards.model} on {wildcards.dataset}/{wildcards.front_end}"
    shell:
        "sha256sum {input} > {output} 2> {log}"


RECORD = ("result.json", "specification.yaml", "environment.json", "predictions.csv", "model.safetensors")


rule train:
    input:
        INPUTS,
        # large: compared by its digest in the listing, not by its modification time
        tensor=lambda wildcards: ancient(f"{DATA}/{FRONT_ENDS[wildcards.front_end].tensor}.npy"),
    output:
        [f"{RESULTS}/runs/{RUN}/{file}" for file in RECORD],
    log:
        f"{LOGS}/train/{RUN}.log",
    threads: 1
    resources:
        gpu_slots=1,
    params:
        specification=lambda wildcards: json.dumps(RUNS[RUN.format(**wildcards)].plain),
        data=DATA,
        run=f"{RESULTS}/runs/{RUN}",
        checkpoint=f"{RESULTS}/checkpoints/{RUN}",
    message:
        "Training {wildcards.model} on {wildcards.dataset}/{wildcards.front_end}, {wildcards.protocol}, fold {wildcards.fold}, seed {wildcards.seed}"
    shell:  # exec: a shell would exit on SIGTERM at once, so Snakemake and Slurm would not wait until the run has saved
        "exec python -m workflow.training.run --specification {params.specification:q} --data {params.data}"
        " --output {params.run} --checkpoint {params.checkpoint} 2> {log}"


rule trained:
    input:
        rules.prepared.input,  # so that a deleted file of the data is rebuilt even though its listing exists
        [f"{RESULTS}/runs/{folder}/result.json" for folder in RUNS],
