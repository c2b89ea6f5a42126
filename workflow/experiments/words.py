"""Names that a user gives: what was probably meant by an unknown one, and the words that have been replaced."""

import difflib
from collections.abc import Iterable

PROTOCOLS = ("group", "random")
# (kind of name, old word) -> new word
RENAMED = {
    ("key", "cnn"): "inception_v3",
    ("front end", "cnn"): "inception_v3",
    ("protocol", "published"): "random",
    ("init", "published"): "authors",
    ("recipe", "published"): "authors",
    ("metric", "total"): "weights",
}


def unknown(kind: str, word: object, known: Iterable[object]) -> str:
    """Return a sentence about an unknown name: its new name, the name that was probably meant, or all known names."""
    return f"unknown {kind} {word!r}; {did_you_mean(word, known, kind)}"


def did_you_mean(word: object, known: Iterable[object], kind: str = "") -> str:
    """Return the second half of that sentence."""
    if new := RENAMED.get((kind, str(word))):
        return f"it is called {new!r} now"
    names = [str(name) for name in known]
    near = difflib.get_close_matches(str(word), names, n=1)
    return f"did you mean {near[0]!r}?" if near else f"known: {', '.join(names)}"
