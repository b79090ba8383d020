"""Times side by side, each compared with the baseline's by the same statistics as requests; and counts."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterator
from typing import Any, Final, NamedTuple

import pandas as pd

from bench.analysis.micro import Micro, typical
from bench.analysis.verdict import Verdict, judge
from bench.schema.plan import SAME_WITHIN
from bench.stats import ratios
from bench.stats.ratios import CONFIDENCE, Ratio

RACED: Final = ", raced for"
_UNITS: Final = ((1.0, "s"), (1e-3, "ms"), (1e-6, "µs"), (1e-9, "ns"))


class Time(NamedTuple):
    """Time of one test under one interpreter.

    Attributes:
        seconds: geometric mean over rounds; NaN if it was not measured there.
        ratio: ratio to the baseline's time, paired by round; ``None`` for the baseline, and if unknown.
        verdict: less time is faster.
    """

    seconds: float
    ratio: Ratio | None = None
    verdict: Verdict = Verdict.UNDECIDED


class Row(NamedTuple):
    """One timed test, under each interpreter."""

    group: str
    name: str
    times: tuple[Time, ...]


class Fact(NamedTuple):
    """One count, under each interpreter: numbers as the median over rounds, each distinct word once."""

    group: str
    name: str
    figure: str
    values: tuple[str, ...]


def times(micro: Micro) -> list[Row]:
    """Return a row for each timed test; the first interpreter is the baseline."""
    names = _keys(micro.timed, ["group", "name"])
    seconds = {
        (str(interpreter), str(group), str(name)): dict(zip(part["round"], part["seconds"], strict=True))
        for (interpreter, group, name), part in micro.timed.groupby(["interpreter", "group", "name"])
    }
    columns = [_column(seconds, micro.interpreters[0], interpreter, names) for interpreter in micro.interpreters]
    return [Row(group, name, tuple(column[place] for column in columns)) for place, (group, name) in enumerate(names)]


def _keys(frame: pd.DataFrame, columns: list[str]) -> list[tuple[Any, ...]]:
    """Return the distinct keys, group by group, in order of first appearance."""
    return sorted(frame[columns].drop_duplicates().itertuples(index=False, name=None), key=lambda key: str(key[0]))


def _column(
    seconds: dict[tuple[str, str, str], dict[int, float]], baseline: str, interpreter: str, names: list[tuple[Any, ...]]
) -> list[Time]:
    found = [seconds.get((interpreter, name[0], name[1]), {}) for name in names]
    base = [seconds.get((baseline, name[0], name[1]), {}) for name in names]
    compared = [
        None
        if interpreter == baseline
        else ratios.paired_ratio({(k, 0): v for k, v in one.items()}, {(k, 0): v for k, v in other.items()})
        for one, other in zip(found, base, strict=True)
    ]
    adjusted = iter(ratios.correct_p_values([ratio.p_value() for ratio in compared if ratio is not None]))
    return [
        Time(
            typical(one.values()),
            ratio,
            Verdict.UNDECIDED if ratio is None else judge(ratio, next(adjusted), CONFIDENCE, SAME_WITHIN, more=False),
        )
        for one, ratio in zip(found, compared, strict=True)
    ]


def facts(micro: Micro) -> Iterator[Fact]:
    """Yield a row for each figure of each fact; races are in :func:`races`."""
    others = micro.facts[~micro.facts["name"].str.contains(RACED)]
    for group, name, figure in _keys(others, ["group", "name", "figure"]):
        here = others[(others["name"] == name) & (others["figure"] == figure)]
        by_interpreter = {
            interpreter: here.loc[here["interpreter"] == interpreter, "value"].tolist()
            for interpreter in micro.interpreters
        }
        yield Fact(group, name, figure, tuple(_describe(figure, values) for values in by_interpreter.values()))


def races(micro: Micro, *, briefly: bool) -> list[tuple[str, list[str]]]:
    """Return a row for each singleton implementation: the number of race rounds with several instances, of all.

    Unless ``briefly``, also the largest number of instances, and the number of rounds in which ``__init__`` ran again.
    """
    raced = micro.facts[micro.facts["name"].str.contains(RACED)]
    return [
        (name, [_race(raced, name, interpreter, briefly=briefly) for interpreter in micro.interpreters])
        for name in dict.fromkeys(raced["name"])
    ]


def _race(raced: pd.DataFrame, name: str, interpreter: str, *, briefly: bool) -> str:
    here = raced[(raced["name"] == name) & (raced["interpreter"] == interpreter)]
    total = here.groupby("figure")["value"].sum()
    if total.empty:
        return "–"
    several = f"{total['rounds_with_several']:,.0f} of {total['rounds']:,.0f}"
    if briefly:
        return several
    most = here.loc[here["figure"] == "most_instances", "value"].max()
    again = f", __init__ again in {total['rounds_with_init_again']:,.0f}" if total["rounds_with_init_again"] else ""
    return several + (f" (up to {most:.0f})" if most > 1 else "") + again


def _describe(figure: str, values: list[object]) -> str:
    numbers = [value for value in values if isinstance(value, (int, float))]
    if not values:
        return "–"
    if len(numbers) < len(values):
        return ", ".join(sorted({str(value) for value in values}))
    middle = statistics.median(numbers)
    return f"{middle:.1%}" if figure.endswith("share") else f"{middle:,.0f}" if middle >= 100 else f"{middle:.3g}"


def duration(seconds: float) -> str:
    """Format a duration with three digits and its unit."""
    if math.isnan(seconds):
        return "–"
    size, unit = next(((size, unit) for size, unit in _UNITS if seconds >= size), _UNITS[-1])
    value = seconds / size
    return f"{value:.0f} {unit}" if value >= 100 else f"{value:.1f} {unit}" if value >= 10 else f"{value:.2f} {unit}"
