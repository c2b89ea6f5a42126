"""Fetch a data set or the weights of a front end, or take the user's own copy; record the origin in source.json.

Downloads are kept in RESOURCES/archives, their checksums in RESOURCES/lock.json.
"""

import sys
from pathlib import Path
from typing import Annotated, Any

from typer import Option

from workflow.datasets import catalogue
from workflow.datasets.fetch import fetch
from workflow.datasets.front_ends import FRONT_ENDS
from workflow.datasets.listing import content, fingerprint, walk
from workflow.storage import seal
from workflow.storage.command_line import command_line
from workflow.storage.errors import InputError
from workflow.storage.lock import exclusive


def main(
    dataset: Annotated[str, Option(metavar="NAME", help="A data set of the catalogue, or a front end with weights.")],
    resources: Annotated[Path, Option(help="Folder of its downloads.")],
    output: Annotated[Path, Option(help="The source.json to write.")],
    source: Annotated[Path | None, Option(help="Your own folder or archive, used instead of the download.")] = None,
    insecure_tls: Annotated[list[str], Option(metavar="HOST", help="Do not verify its certificate.")] = [],  # noqa: B006
) -> None:
    if weights := dataset in FRONT_ENDS and FRONT_ENDS[dataset].weights:
        key, downloads = f"{dataset}.weights", {"weights": weights}
    else:
        key, downloads = f"datasets.{dataset}.source", dict(catalogue.dataset(dataset).downloads)
    found: dict[str, dict[str, Any]] = {}
    if source is not None:
        own: dict[str, Any] = {"url": None, "file": str(source), "fingerprint": fingerprint(source, key)}
        own["content"] = content(source)
        if source.is_file():
            if not downloads:  # generated; a user's own file of such a name is none of ours
                seal.require(source.with_name(source.name + ".json"), (source.name,))
            own |= {"sha256": own["content"], "bytes": source.stat().st_size}
        found["weights" if weights else "clips"] = own
        # splits are downloaded for clips without their own
        splits = source.is_dir() and any(path.match("*_test_split[123].txt") for path in walk(source))
        downloads = {role: sources for role, sources in downloads.items() if role == "splits" and not splits}
    elif not downloads:
        raise InputError(f"{dataset} is not downloaded but generated; expected --source with the generated archive")
    for role, sources in downloads.items():
        with exclusive(resources / "archives"):
            found[role] = fetch(sources, resources, key, insecure_tls)
    seal.write(output, {"dataset": dataset, "sources": found})
    where = f"own copy at {source}, " if source else ""
    size = sum(file["bytes"] for file in found.values() if file["url"])
    print(f"{dataset}: {where}{len(downloads)} downloads, {size / 1e6:.1f} MB", file=sys.stderr)


if __name__ == "__main__":
    command_line(main)
