"""Where a file is downloaded from."""

from dataclasses import dataclass
from urllib.parse import urlsplit


@dataclass(frozen=True)
class Source:
    """A URL of a file, with the checksum (or its first digits) published for it, if any.

    Without one, that of the first download is kept in resources/<name>/lock.json, and all later ones must match it.
    """

    url: str
    sha256: str | None = None
    md5: str | None = None

    def __post_init__(self) -> None:
        try:
            urlsplit(self.url)
        except ValueError as error:
            raise ValueError(f"{self.url!r} is not a URL: {error}") from None

    def __repr__(self) -> str:
        """Return what identifies the file. Rules have it as a parameter: the same file at another URL is no change."""
        return self.sha256 or self.md5 or self.url
