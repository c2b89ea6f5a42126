"""Where a file is downloaded from."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Source:
    """A URL of a file, with the checksum (or its first digits) published for it, if any.

    Without one, that of the first download is kept in resources/<name>/lock.json, and all later ones must match it.
    """

    url: str
    sha256: str | None = None
    md5: str | None = None
