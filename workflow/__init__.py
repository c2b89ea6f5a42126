"""The pipeline: Snakemake rules and the plain Python steps that they call."""
