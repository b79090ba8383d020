"""The page: everything about a run in one self-contained file.

Its plots are Matplotlib's, as SVG. The interactive part is also SVG, drawn from the cells' figures
(:mod:`~bench.report.page.cells`) by our own scripts: those of ``explore/``, and those that all pages share
(:mod:`bench.report.explore`). Small chart libraries (uPlot) draw on a canvas, which is not accessible to screen readers
and keyboards; those that draw SVG with intervals on log scales take several hundred kilobytes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Final

import pandas as pd
from markupsafe import Markup

from bench.analysis import launches
from bench.analysis.load import Run
from bench.narrative import scaling, wording
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
"""In the order of their dependencies."""

MUCH: Final = 0.25
"""Share of disturbed windows from which the whole run counts as disturbed."""

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
        run: the run.
        summary: a row for each cell, see :func:`bench.analysis.summary.summarise`.
        found: the findings.
        warned: the warnings.
        plots: SVG by name, in the order of the page.
        microbenchmarks: the chapter of microbenchmarks, if any were measured for it.
        profiles: the chapter of profiles, if any cells were profiled.
        profiled: anchor of each profiled cell in that chapter, by the cell's name.
    """
    machine = run.meta.machine
    where = () if machine is None else (machine.cpu_model, wording.plural(machine.usable_cpus, "CPU"))
    place = (*where, *run.values("interpreter"))
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
        best=recommendations(run),
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
    return str(page)  # a plain string, so that text added later is not escaped


def _disturbed(run: Run) -> str:
    """Return the share of windows in which something else took CPU time, if large enough for a banner."""
    hit = sum(map(len, launches.disturbed_visits(run).values()))
    share = hit / len(run.windows)
    return f"{share:.0%}" if share >= MUCH else ""
