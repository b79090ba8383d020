"""Chapters of the page: plots, and the warnings relevant to them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

from bench.narrative.run_warnings import WarningSummary
from bench.report.inline import inline


class Chapter(NamedTuple):
    """A chapter of the page.

    Attributes:
        id: id of its heading.
        title: its heading.
        look_for: what to look for in its plots, one sentence.
        plots: names of its plots, in order.
        codes: codes of the warnings that affect it.
    """

    id: str
    title: str
    look_for: str
    plots: tuple[str, ...]
    codes: frozenset[str]


CHAPTERS: Final = (
    Chapter(
        "throughput",
        "Throughput",
        "Look for lines that keep rising with more clients: where one goes flat, something is used up.",
        ("scaling", "convoy"),
        frozenset(
            {
                *("errors", "handler_failed", "failed_cells", "dropped_lines", "unanswered", "short_window"),
                *("generator_busy", "generator_shares_cpus", "contended"),
            }
        ),
    ),
    Chapter(
        "latency",
        "Latency",
        "Look for the widest part of each bar: that is where a request spends its time, and what to make shorter.",
        ("life",),
        frozenset({"littles_law", "few_requests", "not_connected", "unexplained", "errors"}),
    ),
    Chapter(
        "cpu",
        "CPU, GIL and memory",
        "Look for bars that grow with the number of clients: that memory is the price of a model’s isolation.",
        ("memory",),
        frozenset({"gil_returned", "cpu_quota", "foreign_cpu", "steal", "paging", "throttled", "clock", "edges_late"}),
    ),
    Chapter(
        "interpreters",
        "Interpreters",
        "Look for ▲ and ▼: they hold after correction for the number of cells; an interval may clear 1 by chance.",
        ("forest",),
        frozenset({"different_builds", "gaps", "one_pass", "cpu_quota", "foreign_cpu", "steal"}),
    ),
)

EMBEDDED: Final = tuple(name for chapter in CHAPTERS for name in chapter.plots)
"""Plots of the page; it draws its own version of the others, and links their files for readers without script."""

SCRIPTED: Final = {
    "throughput": "throughput",
    "latency": "latency",
    "cores": "effective cores",
    "gil": "threads that wait for the GIL",
}
"""Those files, with what they show."""


def chapters(plots: Mapping[str, str], warned: Sequence[WarningSummary]) -> Iterator[dict[str, Any]]:
    """Yield each chapter that has a plot, for the template."""
    for chapter in CHAPTERS:
        pictures = [(name, inline(plots[name], name)) for name in chapter.plots if name in plots]
        if pictures:
            relevant = [warning for warning in warned if warning.code in chapter.codes]
            yield {**chapter._asdict(), "pictures": pictures, "warnings": relevant}
