"""How each data set encodes class, group and source in the path of a clip."""

import re
from dataclasses import dataclass
from pathlib import PurePosixPath


@dataclass(frozen=True, order=True)
class Clip:
    """A clip, described by its path below the root of the set, `clip`, with forward slashes.

    label: its class. group: clips of one class and group stay together under the protocol `group`. source: the video
    it was cut from, or the closest thing the set names. official: its codes in the official splits 1, 2 ..., such as
    "120" (1 train, 2 test, 0 unused); empty in other sets.
    """

    clip: str
    label: str
    group: str
    source: str
    official: str = ""

    @property
    def key(self) -> str:
        """Identity across releases: the path without its extension (UCF11 came as AVI and as MPEG)."""
        return self.clip.rpartition(".")[0]


@dataclass(frozen=True)
class Layout:
    """One way to lay out clips below any folder.

    pattern: the path of a clip, as shown to the user; `regex` sees as many of its last parts. regex: matches these and
    names their `label` and their `group` or `source` or both. Without a source, class and group identify it; without a
    group, the source is the group. names: format of a clip's path without its extension, if it follows from counts:
    from `label`, the class's `stem`, the numbers of its `group` and of the clip in it (`number`), and the `n`-th clip
    of the set.
    """

    pattern: str
    regex: str
    names: str = ""

    def __post_init__(self) -> None:
        try:
            named = re.compile(self.regex).groupindex
            self.names.format(label="", stem="", group=1, number=1, n=1)
        except (re.error, LookupError, ValueError) as error:
            raise ValueError(f"regex {self.regex!r} or names {self.names!r} is invalid: {error}") from None
        if "label" not in named or not {"group", "source"} & set(named):
            raise ValueError(f"regex {self.regex!r} names the groups {[*named]}; expected label, and group or source")

    @property
    def depth(self) -> int:
        """Number of trailing path components that form a clip's id."""
        return self.pattern.count("/") + 1

    def parse(self, path: PurePosixPath) -> Clip | None:
        """Return the clip at `path`, or None if the path does not fit this layout."""
        if path.name.startswith("._") or "__MACOSX" in path.parts or len(path.parts) < self.depth:
            return None
        clip = "/".join(path.parts[-self.depth :])
        match = re.fullmatch(self.regex, clip)
        if match is None or re.search("[\ud800-\udfff]", clip):  # bytes that are not UTF-8; no official name has any
            return None
        found = match.groupdict()
        label, group = found["label"], found.get("group", found.get("source", ""))
        return Clip(clip, label, group, found.get("source", f"{label}_{group}"))
