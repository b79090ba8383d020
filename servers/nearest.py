"""Suggestions for an unknown name; imported only when there is one."""

from __future__ import annotations

import difflib
from typing import Iterable


def unknown(name: str, known: Iterable[str]) -> str:
    """Return ``'thraeded' is unknown (did you mean threaded?): choose from serial, threaded``."""
    names = list(known)
    found = difflib.get_close_matches(name.lower(), names, n=1)
    meant = " (did you mean %s?)" % found[0] if found else ""
    return "%r is unknown%s: choose from %s" % (name, meant, ", ".join(names))
