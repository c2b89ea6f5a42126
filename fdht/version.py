"""The version of the package, in a file that no training imports, so that a new version makes no record outdated."""

__version__ = "0.1.0"
