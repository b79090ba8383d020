"""Functions and lines ranked by samples: holding the GIL, on a CPU, waiting."""

from __future__ import annotations

import re
from collections import Counter
from typing import Final, NamedTuple

from bench.analysis.profile.load import Profile, Stacks

C_CODE: Final = " (C)"
_PLACED: Final = re.compile(r"^(?P<function>.*) \((?P<file>[^()]*?)(?::(?P<line>\d+))?\)$")


class Taken(NamedTuple):
    """Samples of a function or a line.

    Attributes:
        name: ``function (file)``, or ``function (file:line)``.
        share: share of all samples of the kind.
        time_share: share of the time under load; at most 1 for one GIL.
        samples: number of samples.
    """

    name: str
    share: float
    time_share: float
    samples: int


def function(frame: str) -> str:
    """Return a frame without its line."""
    found = _PLACED.match(frame)
    return f"{found['function']} ({found['file']})" if found else frame


def merge(stacks: Stacks) -> Stacks:
    """Return stacks of functions: frames that differ only in the line are merged."""
    found = Stacks()
    for stack, count in stacks.items():
        found[tuple(map(function, stack))] += count
    return found


def drop_c_frames(stacks: Stacks) -> Stacks:
    """Return stacks of Python frames only."""
    found = Stacks()
    for stack, count in stacks.items():
        found[tuple(name for name in stack if not name.endswith(C_CODE))] += count
    return found


def functions(profile: Profile, kind: str) -> list[Taken]:
    """Return the innermost functions, most samples first."""
    return _rank(profile, kind, merge(profile.stacks.get(kind, Stacks())))


def lines(profile: Profile, kind: str) -> list[Taken]:
    """Return the innermost lines, most samples first."""
    return _rank(profile, kind, profile.stacks.get(kind, Stacks()))


def _rank(profile: Profile, kind: str, stacks: Stacks) -> list[Taken]:
    innermost: Counter[str] = Counter()
    for stack, count in stacks.items():
        innermost[stack[-1]] += count
    total = innermost.total()
    ordered = sorted(innermost.items(), key=lambda item: (-item[1], item[0]))
    return [Taken(name, count / total, profile.share_of_time(kind, count), count) for name, count in ordered]
