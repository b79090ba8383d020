"""Chapters of the page: plots, and the warnings relevant to them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

from markupsafe import Markup

from bench.narrative.run_warnings import WarningSummary
from bench.report.inline import inline


class Chapter(NamedTuple):
    """A chapter of the page.

    Attributes:
        id: id of its heading.
        title: its heading.
        plots: names of its plots, in order.
        codes: codes of the warnings that affect it.
    """

    id: str
    title: str
    plots: tuple[str, ...]
    codes: frozenset[str]


CHAPTERS: Final = (
    Chapter(
        "map",
        "Concurrency and parallelism",
        ("quadrants",),
        frozenset({"contended", "one_pass", "cpu_quota", "foreign_cpu", "steal"}),
    ),
    Chapter(
        "throughput",
        "Throughput",
        ("throughput", "scaling", "convoy"),
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
        ("latency", "life"),
        frozenset({"littles_law", "few_requests", "not_connected", "unexplained", "errors"}),
    ),
    Chapter(
        "cpu",
        "CPU, GIL and memory",
        ("cores", "gil", "memory"),
        frozenset({"gil_returned", "cpu_quota", "foreign_cpu", "steal", "paging", "throttled", "clock", "edges_late"}),
    ),
    Chapter(
        "interpreters",
        "Interpreters",
        ("forest", "versions"),
        frozenset({"different_builds", "gaps", "one_pass", "cpu_quota", "foreign_cpu", "steal"}),
    ),
)


def chapters(plots: Mapping[str, str], warned: Sequence[WarningSummary]) -> Iterator[dict[str, Any]]:
    """Yield each chapter that has a plot, for the template; plots that no chapter names go into the last one."""
    placed = {name for chapter in CHAPTERS for name in chapter.plots}
    for chapter in CHAPTERS:
        others = [name for name in plots if name not in placed] if chapter is CHAPTERS[-1] else []
        pictures = [_picture(name, plots[name]) for name in (*chapter.plots, *others) if name in plots]
        if pictures:
            relevant = [warning for warning in warned if warning.code in chapter.codes]
            yield {"id": chapter.id, "title": chapter.title, "pictures": pictures, "warnings": relevant}


def _picture(name: str, svg: str) -> tuple[str, Markup]:
    return name, inline(svg, name)
