"""How each data set writes class, group and source into the path of a clip."""

import re
from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import PurePosixPath

VIDEO = ("avi", "mpg", "mpeg")


@dataclass(frozen=True, order=True)
class Clip:
    """One clip as its path tells it. `clip` is the path below the set's root, with forward slashes."""

    clip: str
    label: str  # the class
    group: str  # of the protocol `group`: clips of one class and group never stand on both sides
    source: str  # the video that the clip was cut from, or the nearest thing that the set names

    @property
    def key(self) -> str:
        """Identity across releases: the path without its extension (UCF11 came as AVI and as MPEG)."""
        return self.clip.rpartition(".")[0]


class Layout(ABC):
    """One way to lay out clips; `depth` is the number of trailing path parts that make the clip's id."""

    depth: int

    def parse(self, path: PurePosixPath) -> Clip | None:
        """The clip at `path`, which may lie below any folders; None where it is no clip of this layout."""
        name = path.name
        if name.startswith("._") or "__MACOSX" in path.parts or len(path.parts) < self.depth:
            return None
        return self._parse(path.parts[-self.depth :])

    @abstractmethod
    def _parse(self, parts: tuple[str, ...]) -> Clip | None:
        """The clip whose last `depth` path parts are `parts`."""


class Grouped(Layout):
    """UCF11: `<class>/<stem>_<GG>/<stem>_<GG>_<CC>.{mpg,avi}`; the group is the number GG within a class."""

    depth = 3
    _name = re.compile(rf"(?P<stem>.+)_(?P<group>\d\d)_(?P<number>\d\d)\.(?:{'|'.join(VIDEO)})", re.IGNORECASE)

    def _parse(self, parts: tuple[str, ...]) -> Clip | None:
        label, folder, name = parts
        match = self._name.fullmatch(name)
        if match is None or folder != f"{match['stem']}_{match['group']}":
            return None
        return Clip("/".join(parts), label, match["group"], folder)


class ByClass(Layout):
    """HMDB51: `<class>/<source>_<class>_<body>_<motion>_np<N>_<view>_<quality>_<number>.avi`."""

    depth = 2
    _tail = r"_[hulf]_[nc]m_np\d+_(?:fr|ri|le|ba)_(?:bad|med|goo)_\d+\.avi"

    def _parse(self, parts: tuple[str, ...]) -> Clip | None:
        label, name = parts
        match = re.fullmatch(rf"(?P<source>.*)_{re.escape(label)}{self._tail}", name)
        return match and Clip("/".join(parts), label, match["source"], match["source"])


class Flat(Layout):
    """YouTube Celebrities: `<NNNN>_<VV>_<CCC>_<first_last>.avi` in one folder; VV is the source video."""

    depth = 1
    _name = re.compile(r"\d{4}_(?P<group>\d\d)_\d{3}_(?P<label>[a-z_]+)\.avi")

    def _parse(self, parts: tuple[str, ...]) -> Clip | None:
        match = self._name.fullmatch(parts[0])
        return match and Clip(parts[0], match["label"], match["group"], f"{match['label']}_{match['group']}")
