"""Titles that state what a figure shows, and no more.

The leader is decided by ranges over passes: if two ranges overlap, neither is called ahead. A title from a single pass
says so.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final

import pandas as pd

from bench.analysis.load import Run
from bench.analysis.overlap import COMPUTES
from bench.analysis.stats import Spread, pick
from bench.narrative import wording
from bench.report.plots import style
from bench.schema.cell import MIXED

MOST_LEADERS_NAMED: Final = 2  # the largest number of joint leaders that are named


def choose_workload(run: Run, among: Iterable[str] | None = None) -> str:
    """Return the workload that titles are about: the computing one, else the first."""
    names = [name for name in run.values("workload") if among is None or name in set(among)]
    plain = [name for name in names if not name.startswith(MIXED)] or names
    return COMPUTES if COMPUTES in plain else str(plain[0])


def interpreters_phrase(interpreters: Sequence[str], every: int) -> str:
    """Return the interpreters as a phrase: ``on 3.13 and 3.14``, ``on all 3``."""
    return f"on all {every}" if len(interpreters) == every > 2 else f"on {wording.join_words(interpreters)}"


def ahead(found: Mapping[str, Spread], *, most: bool = True) -> list[str]:
    """Return the name with the most (or least), and all names whose ranges overlap with its range, best first."""
    sign = 1 if most else -1
    order = sorted(found, key=lambda name: -sign * found[name].middle)
    if not order:
        return []
    ends = {name: (one.low, one.high) if one.has_range else (one.middle, one.middle) for name, one in found.items()}
    low, high = ends[order[0]]
    return [name for name in order if (ends[name][1] >= low if most else ends[name][0] <= high)]


def leaders(  # noqa: PLR0917 - of what, then how it is written
    run: Run, spreads: pd.DataFrame, workload: str, clients: int, about: str, shown: Callable[[float], str], *,
    most: bool = True,
) -> list[str]:  # fmt: skip
    """Return titles, longest first: which models lead with one workload and number of clients, by interpreter.

    Args:
        run: run to draw.
        spreads: see :func:`bench.analysis.stats.pass_spreads`.
        workload: workload to compare.
        clients: number of clients.
        about: what is compared, as ``Most cpu requests with 8 clients``.
        shown: formats a figure with its unit.
        most: whether the most is best, rather than the least.
    """
    names = style.short_names(run.values("interpreter"))
    if len(run.values("model")) == 1:
        return _alone(run, spreads, workload, clients, about, shown)
    groups: dict[str, list[str]] = {}
    passes = 1
    for interpreter in run.values("interpreter"):
        keys = {model: (model, workload, clients, interpreter) for model in run.values("model")}
        found = {model: spread for model, key in keys.items() if (spread := pick(spreads, key))}
        first = ahead(found, most=most)
        if not first:
            continue
        passes = max(passes, *(one.passes for one in found.values()))
        one = len(run.values("interpreter")) == 1
        figure = f" ({shown(found[first[0]].middle)})" if one and len(first) == 1 else ""
        if len(found) == 1:
            who = f"{first[0]} alone"
        else:
            who = (
                wording.join_words(first, "or")
                if len(first) <= MOST_LEADERS_NAMED
                else f"none of {len(first)} models stands out"
            )
        groups.setdefault(f"{who}{figure}", []).append(names[interpreter])
    if not groups:
        return [about]
    several = len(run.values("interpreter")) > 1
    said = [
        f"{who} {interpreters_phrase(interpreters, len(names))}" if several else who
        for who, interpreters in groups.items()
    ]
    if passes == 1:
        about = f"In one pass, {about[0].lower()}{about[1:]}"
    full = f"{about}: {'; '.join(said)}"
    best, interpreters = next(iter(groups.items()))
    brief = f"{about}: " + "; ".join(f"{', '.join(here)} {who}" for who, here in groups.items())
    return [full, brief, f"{about}, on {interpreters[0]}: {best}"] if several else [full]


def _alone(  # noqa: PLR0917 - as above
    run: Run, spreads: pd.DataFrame, workload: str, clients: int, about: str, shown: Callable[[float], str]
) -> list[str]:
    """Return titles for a run of one model: its figures."""
    (model,) = run.values("model")
    names, several = style.short_names(run.values("interpreter")), len(run.values("interpreter")) > 1
    said = []
    for interpreter in run.values("interpreter"):
        spread = pick(spreads, (model, workload, clients, interpreter))
        if spread:
            ends = f" ({shown(spread.low)} to {shown(spread.high)})" if spread.has_range else ", in one pass"
            said.append(f"{shown(spread.middle)}{ends}" + (f" on {names[interpreter]}" if several else ""))
    what = about.partition(" ")[2]
    title = f"{model}, {what}"
    return [f"{title}: {'; '.join(said)}", f"{title}: {said[0]}"] if said else [title]
