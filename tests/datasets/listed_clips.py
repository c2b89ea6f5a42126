"""Clips of the whole data sets, by their inventories, and of made-up classes."""

from dataclasses import replace
from pathlib import PurePosixPath

from hypothesis import strategies as st

from workflow.datasets import inventory
from workflow.datasets.catalogue import CATALOGUE, Dataset
from workflow.datasets.layouts import Clip

SEED = 11111986
UCF11, HMDB51, YOUTUBE_CELEBRITIES, DEMO = CATALOGUE.values()


def clips_of(entry: Dataset, codes: dict[str, str] | None = None) -> list[Clip]:
    names = codes or [f"{key}.avi" for key in inventory.expected_keys(entry)]
    clips = [entry.layout.parse(PurePosixPath(name)) for name in sorted(names)]
    return [replace(clip, official=(codes or {}).get(clip.clip, "")) for clip in clips]


SOURCES = st.lists(st.integers(1, 9), min_size=2, max_size=12)  # clips of each source of one class


def made(classes: list[list[int]]) -> list[Clip]:
    """The clips of classes that have sources of so many clips each."""
    return [
        Clip(f"{label}/{source}/{clip}", str(label), str(source), str(source))
        for label, sources in enumerate(classes)
        for source, n in enumerate(sources)
        for clip in range(n)
    ]
