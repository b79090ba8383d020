"""The page: everything about a run in one self-contained file.

Its first screen is HTML (:mod:`~bench.report.page.first_screen`). The plots below it are Matplotlib's, as SVG, except
those that the page draws itself: those are SVG, too, by our own scripts from the cells' figures
(:mod:`~bench.report.page.cells`), the scripts of ``explore/`` and those that all pages share
(:mod:`bench.report.explore`). Small chart libraries (uPlot) draw on a canvas, which is not accessible to screen readers
and keyboards; those that draw SVG with intervals on log scales take several hundred kilobytes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

import pandas as pd
from markupsafe import Markup

from bench.analysis.decisions import decisions
from bench.analysis.disturbance import disturbed_share
from bench.analysis.load import Run
from bench.narrative import scaling, wording
from bench.narrative.findings import Finding
from bench.narrative.glossary import GLOSSARY
from bench.narrative.headlines import headline
from bench.narrative.recommend import recommendations, titles
from bench.narrative.run_warnings import WarningSummary
from bench.report import explore, theme
from bench.report.page import facts, first_screen
from bench.report.page.cells import explorer_data
from bench.report.page.chapters import SCRIPTED, chapters
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


LAW_COLUMNS: Final = (
    *(("over", "over", ""), ("workload", "workload", ""), ("model", "model", ""), ("interpreter", "interpreter", "")),
    *(("law", "law", ""), ("serial", "serial", ""), ("crosstalk", "crosstalk", ""), ("bound", "limit", "requests/s")),
    *(("misfit", "misfit", ""), ("note", "notes", "")),
)
"""Key, title and unit of each column of the scaling laws; those that are the same in every row are left out."""

LAW_FIGURES: Final = frozenset({"serial", "crosstalk", "bound", "misfit"})


class Inputs(NamedTuple):
    """What a page shows besides its pictures.

    Attributes:
        run: the run.
        summary: a row for each cell, see :func:`bench.analysis.summary.summarise`.
        found: the findings.
        warned: the warnings.
        profiled: anchor of each profiled cell in the chapter of profiles, by the cell's name.
    """

    run: Run
    summary: pd.DataFrame
    found: Sequence[Finding]
    warned: Sequence[WarningSummary]
    profiled: Mapping[str, str]


def draw_page(
    inputs: Inputs, plots: Mapping[str, str], microbenchmarks: Markup | None = None, profiles: Markup | None = None
) -> str:
    """Return the page as HTML.

    Args:
        inputs: what it shows.
        plots: SVG by name, see :data:`bench.report.page.chapters.EMBEDDED`.
        microbenchmarks: the chapter of microbenchmarks, if any were measured for it.
        profiles: the chapter of profiles, if any cells were profiled.
    """
    run, summary, found, warned, profiled = inputs
    laws = scaling.rows(run)
    machine = run.meta.machine
    where = () if machine is None else (machine.cpu_model, wording.plural(machine.usable_cpus, "CPU"))
    place = (*where, f"CPython {', '.join(facts.versions(run))}")
    page = render_template(
        PACKAGE,
        "report.html.j2",
        theme=theme.css(),
        style=explore.style() + explore.text(PACKAGE, "page.css") + explore.text(PACKAGE, "first_screen.css"),
        script=explore.script(PACKAGE, SCRIPTS),
        name=run.name,
        created=facts.moment(run.meta.created),
        place=", ".join(map(str, place)),
        partial=next((one for one in warned if one.code == "partial"), None),
        headline=headline(run),
        docs=facts.documentation(run.folder),
        overlap=first_screen.overlap(run),
        glossary=GLOSSARY,
        assertions=first_screen.assertions(run),
        how_sure=first_screen.how_sure(run, warned),
        baseline_pair=facts.pair(run),
        disturbed=_disturbed(run),
        titles=titles(run),
        best_clients=_same_clients(run),
        findings=found,
        warnings=warned,
        best=recommendations(run),
        objective=run.objective,
        chapters=list(chapters(plots, warned)),
        plots_only=[(name, shows) for name, shows in SCRIPTED.items() if name != "gil" or _accounted(run)],
        laws=laws,
        law_columns=[column for column in LAW_COLUMNS if len({row[column[0]] for row in laws}) > 1],
        law_figures=LAW_FIGURES,
        highlights=scaling.highlights(run),
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
    """Return the share of disturbed windows, if large enough for a banner."""
    share = disturbed_share(run)
    return f"{share:.0%}" if share >= MUCH else ""


def _same_clients(run: Run) -> str:
    """Return the number of clients of all decisions, if it is the same."""
    counts = {decision.clients for decision in decisions(run)}
    return f", with {wording.plural(counts.pop(), 'client')}" if len(counts) == 1 else ""


def _accounted(run: Run) -> bool:
    return bool(run.windows["thread_gil_wait_share"].notna().any())
