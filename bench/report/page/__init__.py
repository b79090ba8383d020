"""The page: everything about a run in one file that fetches nothing.

Its pictures are Matplotlib's, as SVG. What can be chosen from is drawn as SVG, too, from the cells' figures
(:mod:`~bench.report.page.cells`), by scripts of our own: those of ``explore/``, and those that all pages share
(:mod:`bench.report.explore`). The small libraries for charts (uPlot) draw on a canvas, which neither a screen reader
nor a keyboard can enter; those that draw SVG with intervals, on log scales, come with several hundred kilobytes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Final

import pandas as pd
from markupsafe import Markup

from bench.analysis import launches
from bench.analysis.load import Run
from bench.narrative import scaling
from bench.narrative.findings import Finding
from bench.narrative.headlines import headlines
from bench.narrative.recommend import recommendations
from bench.narrative.run_warnings import WarningSummary
from bench.report import explore, theme
from bench.report.page import facts
from bench.report.page.cells import explorer_data
from bench.report.page.chapters import chapters
from bench.report.templates import render_template

PACKAGE: Final = "bench.report.page"
SCRIPTS: Final = (
    *("choices", "drawing", "honest", "throughput", "latency", "time", "interpreters", "windows", "table", "main"),
)
"""In the order in which they build on each other."""

MUCH: Final = 0.25
"""Share of windows from which on a run counts as disturbed as a whole."""

VIEWS: Final = {
    "throughput": "Throughput",
    "latency": "Latency",
    "time": "CPU and GIL",
    "interpreters": "Interpreters",
    "windows": "Over the run",
}


def draw_page(
    run: Run,
    summary: pd.DataFrame,
    found: Sequence[Finding],
    warned: Sequence[WarningSummary],
    plots: Mapping[str, str],
    *,
    microbenchmarks: Markup | None = None,
    profiles: Markup | None = None,
    profiled: Mapping[str, str] = MappingProxyType({}),
) -> str:
    """Return the page as HTML.

    Args:
        run: what it is about.
        summary: a row for each cell, see :func:`bench.analysis.summary.summarise`.
        found: what was seen.
        warned: the warnings.
        plots: SVG by name, in the order in which they are to stand.
        microbenchmarks: the chapter of microbenchmarks, if any were measured for it.
        profiles: the chapter of profiles, if any cells were profiled.
        profiled: where in it a cell is, by its name.
    """
    machine = run.meta.machine
    place = (*((machine.cpu_model, f"{machine.cpus} CPUs") if machine else ()), *run.values("interpreter"))
    page = render_template(
        PACKAGE,
        "report.html.j2",
        theme=theme.css(),
        style=explore.style() + explore.text(PACKAGE, "page.css"),
        script=explore.script(PACKAGE, SCRIPTS),
        name=run.name,
        created=facts.moment(run.meta.created),
        place=", ".join(map(str, place)),
        partial=next((one for one in warned if one.code == "partial"), None),
        headlines=headlines(run),
        disturbed=_disturbed(run),
        findings=found,
        warnings=warned,
        best=list(recommendations(run)),
        objective=run.objective,
        chapters=list(chapters(plots, warned)),
        laws=scaling.rows(run),
        views=VIEWS.items(),
        data=explore.island(explorer_data(run, summary, warned, profiled)),
        microbenchmarks=microbenchmarks,
        profiles=profiles,
        passes=int(run.windows["pass"].nunique()),
        unknown=sorted({str(reason) for reason in run.windows["thread_accounting_unknown"].dropna()}),
        several_interpreters=len(run.values("interpreter")) > 1,
        builds=facts.builds(run),
        machine=facts.machine(run),
        plan=facts.plan(run),
        command=facts.command(run),
    )
    return str(page)  # in which whoever adds to it finds nothing that escapes


def _disturbed(run: Run) -> str:
    """Return in how many windows something else took CPU time, if in so many that it must be said first."""
    hit = sum(map(len, launches.disturbed_visits(run).values()))
    share = hit / len(run.windows)
    return f"{share:.0%}" if share >= MUCH else ""
