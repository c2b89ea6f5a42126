"""How each data set writes class, group and source into the path of a clip."""

import re
from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import PurePosixPath

VIDEO = ("avi", "mpg", "mpeg")


@dataclass(frozen=True, order=True)
class Clip:
    """One clip, described by its path below the root of the set, `clip`, with forward slashes.

    label: its class. group: clips of one class and group stay together under the protocol `group`. source: the video
    it was cut from, or the nearest thing that the set names. official: its codes in HMDB51's splits 1 to 3, such as
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

    @property
    def class_source(self) -> tuple[str, str]:
        """What a split by sources keeps together. Official splits are made class by class, so one film may be in
        training in one class and in test in another; leakage.py counts such clips."""
        return self.label, self.source


class Layout(ABC):
    """One way to lay out clips; `depth` is the number of trailing path components in a clip's id."""

    depth: int
    pattern: str  # shown to the user

    def parse(self, path: PurePosixPath) -> Clip | None:
        """The clip at `path`, below any folders, or None if the path is not that of a clip in this layout."""
        if path.name.startswith("._") or "__MACOSX" in path.parts or len(path.parts) < self.depth:
            return None
        return self._parse(path.parts[-self.depth :])

    @abstractmethod
    def _parse(self, names: tuple[str, ...]) -> Clip | None:
        """The clip whose last `depth` path components are `names`."""


class Grouped(Layout):
    """UCF11. The group is the number GG within a class."""

    depth = 3
    pattern = "<class>/<stem>_<GG>/<stem>_<GG>_<CC>.{mpg,avi}"
    _name = re.compile(rf"(?P<stem>.+)_(?P<group>\d\d)_(?P<number>\d\d)\.(?:{'|'.join(VIDEO)})", re.IGNORECASE)

    def _parse(self, names: tuple[str, ...]) -> Clip | None:
        label, folder, name = names
        match = self._name.fullmatch(name)
        if match is None or folder != f"{match['stem']}_{match['group']}":
            return None
        return Clip("/".join(names), label, match["group"], folder)


class ByClass(Layout):
    """HMDB51. The group is the film that the clip was cut from."""

    depth = 2
    pattern = "<class>/<source>_<class>_<body>_<motion>_np<N>_<view>_<quality>_<number>.avi"
    _tail = r"_[hulf]_[nc]m_np\d+_(?:fr|ri|le|ba)_(?:bad|med|goo)_\d+\.avi"

    def _parse(self, names: tuple[str, ...]) -> Clip | None:
        label, name = names
        match = re.fullmatch(rf"(?P<source>.*)_{re.escape(label)}{self._tail}", name)
        return match and Clip("/".join(names), label, match["source"], match["source"])


class Flat(Layout):
    """YouTube Celebrities. All clips lie in one folder; the group VV is the source video."""

    depth = 1
    pattern = "<NNNN>_<VV>_<CCC>_<first_last>.avi"
    _name = re.compile(r"\d{4}_(?P<group>\d\d)_\d{3}_(?P<label>[a-z_]+)\.avi")

    def _parse(self, names: tuple[str, ...]) -> Clip | None:
        match = self._name.fullmatch(names[0])
        return match and Clip(names[0], match["label"], match["group"], f"{match['label']}_{match['group']}")
