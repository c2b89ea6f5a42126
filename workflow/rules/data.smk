"""From download to tensors. Every data set, including the generated one, takes the same steps."""


localrules:
    generate,
    download,
    unpack,
    splits,  # they need the network, or take seconds


rule prepared:
    input:
        expand(
            f"{DATA}/{{tensor}}.{{suffix}}",
            dataset=CONFIG.datasets,
            tensor=[FRONT_ENDS[name].tensor for name in CONFIG.front_ends],
            suffix=["npy", "json"],
        ),
        expand(f"{DATA}/{{name}}", dataset=CONFIG.datasets, name=["source.json", "listing.csv", "inventory.json"]),
        expand(
            f"{DATA}/{{name}}", dataset=CONFIG.datasets, name=["clips.csv", "splits.csv", "splits.json", "leakage.csv"]
        ),


rule generate:
    output:
        archive="resources/demo/demo.zip",
        record="resources/demo/demo.zip.json",
    log:
        f"{LOGS}/generate.log",
    params:
        code=lambda wildcards: code("generate"),
        catalogue=lambda wildcards: KNOWN["demo"],
    message:
        "Generating the demo data set"
    shell:
        "python -m workflow.datasets.generate --output {output.archive} 2> {log}"


rule download:  # of clips, or of the weights of a front end
    input:
        generated=lambda wildcards: rules.generate.output if wildcards.dataset == "demo" else [],
    output:
        f"{DATA}/source.json",
    log:
        f"{LOGS}/download/{{dataset}}.log",
    wildcard_constraints:
        dataset="|".join([*CONFIG.datasets, *EXTRACTED]),
    params:
        options=lambda wildcards, input: options(
            # treat the generated archive like a user's own copy
            source=OWN[wildcards.dataset][0] or next(iter(input), None),
            insecure_tls=getattr(CONFIG.datasets.get(wildcards.dataset), "insecure_tls", None),
        ),
        sources=lambda wildcards: str(
            CATALOGUE[wildcards.dataset].downloads
            if wildcards.dataset in CATALOGUE
            else FRONT_ENDS[wildcards.dataset].weights
        ),
        # reruns the rule when the user's copy changes or moves
        version=lambda wildcards: f"{OWN[wildcards.dataset][0] or ''}{VERSIONS[wildcards.dataset]}",
    message:
        "Downloading {wildcards.dataset}"
    shell:  # an error is shown once, with the failed log
        "python -m workflow.datasets.download --dataset {wildcards.dataset} --resources resources/{wildcards.dataset}"
        " --output {output} {params.options} 2>&1 | tee {log} | sed -u '\\,^error: ,d' >&2"


rule unpack:
    input:
        origin=rules.download.output,
    output:
        listing=f"{DATA}/listing.csv",
        inventory=f"{DATA}/inventory.json",
    log:
        f"{LOGS}/unpack/{{dataset}}.log",
    params:
        code=lambda wildcards: code("unpack"),
        catalogue=lambda wildcards: KNOWN[wildcards.dataset],
        options=lambda wildcards: options(max_missing=entry(wildcards).max_missing, partial=entry(wildcards).partial),
    message:
        "Unpacking {wildcards.dataset}"
    shell:
        "python -m workflow.datasets.unpack --dataset {wildcards.dataset} --origin {input.origin}"
        " --resources resources/{wildcards.dataset} --output $(dirname {output.listing}) {params.options} 2> {log}"


rule frames:
    input:
        listing=f"{DATA}/listing.csv",
        inventory=f"{DATA}/inventory.json",  # has the checksum of the listing
    output:
        array=f"{DATA}/frames.npy",
        clips=f"{DATA}/clips.csv",
        about=f"{DATA}/frames.json",
    log:
        f"{LOGS}/frames/{{dataset}}.log",
    threads: 8
    params:
        code=lambda wildcards: code("frames"),
        version=lambda wildcards: VERSIONS[wildcards.dataset],  # the listing of a user's own clips has no checksums
        options=lambda wildcards: options(**dict(CONFIG.frames), max_undecodable=entry(wildcards).max_undecodable),
        # from the output, so that Snakemake does not take another split for a reason to decode again
        split=lambda wildcards, output: split_options(wildcards),
    message:
        "Decoding {wildcards.dataset}"
    shell:  # a part of a set that cannot be split is refused before it is decoded
        "python -m workflow.datasets.splits --dataset {wildcards.dataset} --clips {input.listing} {params.split} 2> {log}"
        " && python -m workflow.datasets.frames --listing {input.listing} --output $(dirname {output.array})"
        " {params.options} --code {params.code} --workers {threads} 2>&1 | tee {log} | sed -u '\\,^error: ,d' >&2"


rule splits:
    input:
        clips=f"{DATA}/clips.csv",
    output:
        table=f"{DATA}/splits.csv",
        digests=f"{DATA}/splits.json",
        leakage=f"{DATA}/leakage.csv",
    log:
        f"{LOGS}/splits/{{dataset}}.log",
    params:
        code=lambda wildcards: code("splits"),
        catalogue=lambda wildcards: KNOWN[wildcards.dataset],
        options=split_options,
    message:
        "Splitting {wildcards.dataset}"
    shell:
        "python -m workflow.datasets.splits --dataset {wildcards.dataset} --clips {input.clips}"
        " --output $(dirname {output.table}) {params.options} 2>&1 | tee {log} >&2"


rule features:
    input:
        listing=f"{DATA}/listing.csv",
        inventory=f"{DATA}/inventory.json",  # the step says to delete it if a clip is damaged, to unpack it again
        clips=f"{DATA}/clips.csv",
        digest=f"{DATA}/frames.json",
        weights=lambda wildcards: (
            f"{DATA}/source.json".format(dataset=wildcards.front_end)
            if FRONT_ENDS[wildcards.front_end].weights
            else []
        ),
    output:
        array=f"{DATA}/{{front_end}}.npy",
        about=f"{DATA}/{{front_end}}.json",
    log:
        f"{LOGS}/features/{{dataset}}/{{front_end}}.log",
    wildcard_constraints:
        front_end="|".join(EXTRACTED),
    threads: 4
    params:
        code=lambda wildcards: code("features", f"front_ends.{wildcards.front_end}"),
        options=lambda wildcards, input: options(origin=input.weights or None),
        # on its own: Snakemake does not compare what is derived from an input
        batch=lambda wildcards: CONFIG.extraction[wildcards.front_end].batch,
    message:
        "{wildcards.front_end} features of {wildcards.dataset}"
    shell:
        "python -m workflow.datasets.features --front-end {wildcards.front_end} --listing {input.listing}"
        " --frames $(dirname {input.clips}) --output $(dirname {output.array}) {params.options} --batch {params.batch}"
        " --code {params.code} 2> {log}"
