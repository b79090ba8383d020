"""Stacks and how often each was seen, in the "folded" form that flame graphs are made from.

One line per stack: frames from the outermost to the innermost, separated by semicolons, then a space and the count
(Gregg, The Flame Graph, ACM Queue 14(2), 2016). A frame is ``function (file:line)``.
"""

from __future__ import annotations

import enum
from collections import Counter
from collections.abc import Iterable
from pathlib import PurePath

from bench.paths import ROOT

Stack = tuple[str, ...]
Stacks = Counter[Stack]


class Kind(enum.Enum):
    """Kind of stacks: which moments of a thread are sampled."""

    CPU = "cpu"
    """On a CPU, or in the queue for one."""
    GIL = "gil"
    """Holding the GIL."""
    WALL = "wall"
    """Its whole life."""
    BLOCKED = "blocked"
    """Its whole life except on a CPU: the difference of two samplings, by :func:`blocked`."""


def frame(function: str, file: str, line: str = "") -> str:
    """Return a frame in folded form, without the characters that separate frames."""
    place = f"{short(file)}:{line}" if line else short(file)
    return f"{function} ({place})".replace(";", ",").replace("\n", " ")


def short(file: str) -> str:
    """Return a file's path relative to this project's root or to a library's folder, if it lies in one."""
    path = PurePath(file)
    if path.is_relative_to(ROOT):
        return str(path.relative_to(ROOT))
    parts = path.parts
    for at in reversed(range(len(parts))):
        if parts[at] == "site-packages" or (parts[at].startswith("python3") and at and parts[at - 1] == "lib"):
            return "/".join(parts[at + 1 :])
    return file


def blocked(wall: Stacks, cpu: Stacks) -> Stacks:
    """Return where threads were blocked: the wall stacks minus the CPU stacks, stack by stack.

    The two were sampled in separate windows, so a count may be a little too low; none is negative.
    """
    return wall - cpu


def merge(several: Iterable[Stacks]) -> Stacks:
    """Return the sum of several."""
    return sum(several, Stacks())


def to_text(stacks: Stacks) -> str:
    """Return folded lines, the most frequent first."""
    ordered = sorted(stacks.items(), key=lambda item: (-item[1], item[0]))
    return "".join(f"{';'.join(stack)} {count}\n" for stack, count in ordered)
