"""Suggestions for an unknown name."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import Final

ALIKE: Final = 0.6
COMPOUNDS_ALIKE: Final = 0.85
"""Similarity, from 0 to 1, from which a name is worth suggesting; names made of parts have most of them in common."""


def nearest(name: str, known: Iterable[str], alike: float = ALIKE) -> str | None:
    """Return the known name that is most like one, whatever its case; ``None`` if none is like it."""
    as_known = {each.lower(): each for each in known}
    found = difflib.get_close_matches(name.lower(), as_known, n=1, cutoff=alike)
    return as_known[found[0]] if found else None


def did_you_mean(name: str, known: Iterable[str], alike: float = ALIKE) -> str:
    """Return `` (did you mean threaded?)``, to stand behind a name in a message; empty if no known one is like it."""
    found = nearest(name, known, alike)
    return f" (did you mean {found}?)" if found else ""


def unknown(name: str, known: Iterable[str]) -> str:
    """Return a message: ``'thraeded' is unknown (did you mean threaded?): choose from serial, threaded``."""
    names = list(known)
    return f"{name!r} is unknown{did_you_mean(name, names)}: choose from {', '.join(names)}"
