"""A path: read, moved, and written in as few characters as can be."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

_TOKEN: Final = re.compile(r"[A-Za-z]|-?\d*\.?\d+(?:e[-+]?\d+)?")
_TAKES: Final = {"M": 2, "L": 2, "Q": 4, "C": 6, "z": 0}

Path = list[tuple[str, list[float]]]
"""Commands, each with its absolute coordinates."""


def parse(d: str) -> Path:
    """Return a path's commands."""
    tokens = _TOKEN.findall(d)
    path: Path = []
    at = 0
    while at < len(tokens):
        takes = _TAKES[tokens[at]]
        path.append((tokens[at], list(map(float, tokens[at + 1 : at + 1 + takes]))))
        at += 1 + takes
    return path


def move(path: Path, x: float, y: float) -> Path:
    """Return a path at another place."""
    return [(command, [value + (x, y)[n % 2] for n, value in enumerate(values)]) for command, values in path]


def encode(path: Path, digits: int) -> str:
    """Return a path with so many decimals, each command absolute or relative, whichever is shorter.

    Distances are those between rounded places, so that errors do not add up.
    """
    scale = 10**digits
    out: list[str] = []
    here, start, last = (0, 0), (0, 0), ""
    for command, values in path:
        if command == "z":
            out.append("z")
            here, last = start, "z"
            continue
        whole = [round(value * scale) for value in values]
        if command == "L" and (whole[0], whole[1]) == here and last not in "Mm":
            continue
        letter, absolute, relative = command, whole, [v - here[n % 2] for n, v in enumerate(whole)]
        if command == "L" and not all(relative):
            side = 1 if relative[0] == 0 else 0
            letter, absolute, relative = "HV"[side], [whole[side]], [relative[side]]
        tried = [
            _command(name, numbers, last, digits) for name, numbers in ((letter, absolute), (letter.lower(), relative))
        ]
        best = min(tried, key=len)
        last = letter if best is tried[0] else letter.lower()
        out.append(best)
        here = (whole[-2], whole[-1])
        if command == "M":
            start = here
    return "".join(out)


def _command(letter: str, numbers: Iterable[int], last: str, digits: int) -> str:
    # A line that follows a move, and a command that follows itself, need no letter.
    goes_on = letter == last or (letter, last) in {("L", "M"), ("l", "m")}
    text = "" if goes_on and letter not in "Mm" else letter
    for number in numbers:
        shown = short(number / 10**digits, digits)
        text += shown if text[-1:].isalpha() or shown.startswith("-") else f" {shown}"
    return text


def short(value: float, digits: int = 2) -> str:
    """Write a number without what means nothing."""
    text = f"{value:.{digits}f}"
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    sign, text = ("-", text[1:]) if text.startswith("-") else ("", text)
    text = text[1:] if text.startswith("0.") else text
    return sign + text if text != "0" else "0"
