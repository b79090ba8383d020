"""The cards of the mind map, with figures of the example run."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from bench.analysis.stats import Spread
from bench.narrative import wording
from bench.report.plots import style
from docs.generate.mindmap_figures import Figures
from loadgen.cli.picture import INK, QUIET

GIL, FREE, NEWER = "3.13", "3.13t", "3.14"  # interpreters of the example run


class Row(NamedTuple):
    """A line of a card.

    Attributes:
        text: its subject.
        figure: the measured figure, written at the end.
        bar: a ratio and its range, also drawn as a bar.
        longest: the highest end of a range in this card.
        colour: colour of the bar.
        hollow: whether the bar is hollow, which means without a GIL.
    """

    text: str
    figure: str
    bar: Spread | None = None
    longest: float = 1.0
    colour: str = INK
    hollow: bool = False


class Card(NamedTuple):
    """A branch: its title, its colour, its lines, and notes on their meaning."""

    title: str
    colour: str
    rows: tuple[Row, ...]
    notes: tuple[str, ...]


def cards(figures: Figures) -> list[Card]:
    """Return the branches, alternating between left and right."""
    return [
        Card(
            "Waiting overlaps",
            style.LABELS["multiprocess"],
            tuple(_overlaps(figures, "io", free=False)),
            (
                f"× serial (dashed), {figures.clients} clients, 5 ms.",
                "Concurrency: while one waits,",
                "another goes on.",
            ),
        ),
        Card(
            "Computing needs cores",
            style.COLOURS["asyncio"],
            tuple(_overlaps(figures, "cpu", free=True)),
            (
                f"× serial (dashed), {figures.clients} clients, {figures.run.cpus} CPUs.",
                "Parallelism: several compute",
                "at the same instant.",
            ),
        ),
        Card(
            "The GIL",
            style.LABELS["threaded"],
            (
                Row("cores of threads", figures.cores("threaded", "cpu", GIL)),
                Row("their time waiting for it", figures.gil_wait("threaded", "cpu", GIL)),
                Row("hashing by threads", f"{wording.ratio(figures.speedup('threaded', 'native', GIL).middle)}×"),
                Row(
                    "until it comes back",
                    f"{figures.fact('the GIL back, switch interval 5 ms', 'median_ms', GIL):.1f} ms",
                ),
            ),
            (
                "One thread of an interpreter at a",
                "time. Let go for I/O, sleep, hashing,",
                "and after 5 ms if somebody waits.",
            ),
        ),
        Card(
            "Past the GIL",
            style.COLOURS["subinterpreters"],
            (
                Row("coroutines: cores", figures.cores("asyncio", "cpu", GIL)),
                Row("processes: cores", figures.cores("multiprocess", "cpu", GIL)),
                Row("interpreters: cores", figures.cores("subinterpreters", "cpu", NEWER)),
                Row("threads, no GIL: cores", figures.cores("threaded", "cpu", FREE)),
            ),
            (
                "PEP 703; PEP 684 and 734; or fork.",
                "The JIT (PEP 744) makes one thread",
                "quicker: nothing overlaps by it.",
            ),
        ),
        Card(
            "What starting costs",
            style.COLOURS["asyncio-threads"],
            (
                Row("coroutine's task", figures.time("task", GIL)),
                Row("thread", figures.time("thread", GIL)),
                Row("process, forked", figures.time("process: fork", GIL)),
                Row("interpreter", figures.time("interpreter", NEWER)),
                Row("process, spawned", figures.time("process: spawn", GIL)),
            ),
            ("To start one and see it end.",),
        ),
        Card(
            "What sharing costs",
            QUIET,
            (
                Row("lock nobody else wants", figures.time("uncontended: Lock", GIL)),
                Row(
                    "longest wait, 4 want it",
                    f"{figures.fact('Lock wanted by 4 threads', 'longest_wait_ms', GIL):.0f} ms",
                ),
                Row(
                    "the same without GIL",
                    f"{figures.fact('Lock wanted by 4 threads', 'longest_wait_ms', FREE):.1f} ms",
                ),
                Row("lost by n += 1, GIL", f"{figures.fact('counter +=, by 4 threads', 'missing_share', GIL):.0%}"),
                Row("lost by n += 1, no GIL", f"{figures.fact('counter +=, by 4 threads', 'missing_share', FREE):.0%}"),
            ),
            ("The GIL never was your lock.",),
        ),
    ]


def _overlaps(figures: Figures, workload: str, *, free: bool) -> Iterator[Row]:
    """Yield the models' speed-ups over serial, with bars."""
    shown = [
        ("coroutines", "asyncio", GIL),
        ("threads", "threaded", GIL),
        ("processes", "multiprocess", GIL),
        (f"{figures.run.cpus} interpreters", "subinterpreters", NEWER),
        *([("threads, no GIL", "threaded", FREE)] if free else []),
    ]
    times = [figures.speedup(model, workload, interpreter) for _, model, interpreter in shown]
    longest = max(one.high for one in times)
    for (name, model, interpreter), one in zip(shown, times, strict=True):
        texts = f"{wording.ratio(one.middle)}×"
        yield Row(name, texts, one, longest, style.colour(model), hollow=interpreter == FREE)
