"""Suggestions for an unknown name."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import Final

ALIKE: Final = 0.6
COMPOUNDS_ALIKE: Final = 0.85
"""Lowest similarity, from 0 to 1, of a name to suggest; compound names share most of their parts, so they need more."""


def nearest(name: str, known: Iterable[str], alike: float = ALIKE) -> str | None:
    """Return the known name most similar to ``name``, ignoring case; ``None`` if none is similar."""
    as_known = {each.lower(): each for each in known}
    found = difflib.get_close_matches(name.lower(), as_known, n=1, cutoff=alike)
    return as_known[found[0]] if found else None


def did_you_mean(name: str, known: Iterable[str], alike: float = ALIKE) -> str:
    """Return `` (did you mean threaded?)``, to append to a name in a message; empty if no known name is similar."""
    found = nearest(name, known, alike)
    return f" (did you mean {found}?)" if found else ""


def unknown(name: str, known: Iterable[str]) -> str:
    """Return a message: ``'thraeded' is unknown (did you mean threaded?): choose from serial, threaded``."""
    names = list(known)
    return f"{name!r} is unknown{did_you_mean(name, names)}: choose from {', '.join(names)}"
