"""Figures in text, with the unit of their last digit."""

from __future__ import annotations

import re
from typing import Final

from loadgen.audit.claim import Figure

_SECONDS: Final = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1.0, "secs": 1.0, "m": 60.0, "h": 3600.0}
_TIMES: Final = {"": 1.0, "k": 1e3, "M": 1e6, "G": 1e9}
NUMBER: Final = r"\d+(?:\.\d+)?(?:[eE][-+]?\d+)?"
TIME: Final = rf"{NUMBER}\s*(?:ns|us|µs|ms|secs|s|m|h)"


def figure(text: str, scale: float = 1.0) -> Figure:
    """Return the figure that a number means, times ``scale``."""
    digits, _, exponent = text.lower().partition("e")
    places = len(digits.partition(".")[2])
    return Figure(float(text) * scale, 10 ** (int(exponent or 0) - places) * scale)


def time(text: str) -> Figure:
    """Return the figure that a number with a unit of time means, in seconds."""
    match = re.fullmatch(rf"({NUMBER})\s*([a-zµ]+)", text.strip())
    if not match:
        raise ValueError(text)
    return figure(match[1], _SECONDS[match[2]])


def amount(text: str) -> Figure:
    """Return the figure that a number such as ``134.10k`` means."""
    return figure(text[:-1], _TIMES[text[-1]]) if text[-1] in _TIMES else figure(text)


def find(pattern: str, text: str) -> re.Match[str] | None:
    """Return the first match, in which ``^`` and ``$`` are the ends of a line."""
    return re.search(pattern, text, re.MULTILINE)


def integer(pattern: str, text: str) -> int:
    """Return the whole number in the pattern's first group; 0 without a match."""
    match = find(pattern, text)
    return int(match[1].replace(",", "")) if match else 0
