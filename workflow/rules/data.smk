"""From the wire to the tensor: every data set takes the same way, the generated one too."""

FILES = {"pixels": "frames", "cnn": "features"}  # the tensor of each front end: <name>.npy and <name>.json


def data_source(wildcards):
    """The user's own copy, or what the download step of the demo waits for; nothing for the others."""
    return "resources/demo/demo.zip" if wildcards.dataset == "demo" else []
