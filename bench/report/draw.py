"""Draw a run from its records: its page, plots and tables."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Final

from markupsafe import Markup
from rich.text import Text

from bench.analysis.load import PAGE, Run
from bench.analysis.micro import load_micro
from bench.analysis.profile.load import load_profiles
from bench.analysis.scaling import table as scaling
from bench.analysis.summary import summarise, to_csv
from bench.narrative.findings import collect_findings
from bench.narrative.run_warnings import collect_warnings
from bench.report import step_summary
from bench.report.at_once import at_once
from bench.report.micro.chapter import chapter
from bench.report.page import Inputs, draw_page
from bench.report.page.chapters import EMBEDDED
from bench.report.plots import PLOTS
from bench.report.plots.style import save, style
from bench.report.profile.chapter import chapter as profile_chapter
from bench.report.terminal import show_run
from bench.terminal.console import Terminal

MICRO: Final = "micro"  # the folder of microbenchmarks in a run's folder
FEWEST_CELLS: Final = 48
"""Cells from which drawing is worth a process for each CPU."""

NEEDED_BY_THE_PAGE: Final = frozenset({"scaling", "forest"})
"""Plots of scaling laws and comparisons, which the page needs too: one process computes them, once."""


def draw(run: Run, *, quiet: bool = False, png: bool = False) -> Path:
    """Write everything that is drawn from a run into its folder, and show the run.

    The page is written and shown first; plots that are not on it are drawn after those that are.

    Args:
        run: the run.
        quiet: show only the path of its page.
        png: write plots as PNG too, which takes a third more time.

    Returns:
        The page.

    Raises:
        GilbenchError: its microbenchmarks or profiles cannot be parsed.
        OSError: the folder cannot be written to.
    """
    page = run.folder / PAGE
    (run.folder / "plots").mkdir(exist_ok=True)
    profiles = load_profiles(run.folder)
    jobs: dict[str, Callable[[], str | None]] = {}
    if (run.folder / MICRO).is_dir():
        jobs["micro"] = partial(chapter, load_micro(run.folder / MICRO), level=3)
    if profiles:
        jobs["profiles"] = partial(profile_chapter, profiles, level=3)
    jobs |= {name: partial(_draw_plot, run, name, png=png) for name in _in_order()}
    with at_once(jobs, pays=len(run.cells) >= FEWEST_CELLS, here=NEEDED_BY_THE_PAGE) as done:
        (run.folder / "scaling.csv").write_text(scaling.to_csv(run), encoding="utf-8")
        summary, found, warned = summarise(run), collect_findings(run), collect_warnings(run)
        (run.folder / "summary.csv").write_text(to_csv(summary), encoding="utf-8")
        inputs = Inputs(run, summary, found, warned, {profile.name: profile.group for profile in profiles})
        for name in NEEDED_BY_THE_PAGE & done.keys():
            done[name]()
        pictures = {name: svg for name in _in_order() if name in EMBEDDED and (svg := done[name]()) is not None}
        micro, profiled = (Markup(done[name]()) if name in jobs else None for name in ("micro", "profiles"))  # noqa: S704 - ours
        page.write_text(draw_page(inputs, pictures, micro, profiled), encoding="utf-8")
        console = Terminal()
        if not quiet:
            show_run(console, run, summary, warned)
            console.print()
        console.print(Text(str(page)), soft_wrap=True)
        step_summary.append(run, summary, found, warned)
        for wait in done.values():
            wait()
    return page


def _in_order() -> list[str]:
    return sorted(PLOTS, key=lambda name: name not in EMBEDDED)


def _draw_plot(run: Run, name: str, *, png: bool) -> str | None:
    """Write a plot and return its SVG; ``None``: nothing to show. Old files that are not drawn again are removed."""
    folder = run.folder / "plots"
    with style():
        figure = PLOTS[name](run)
    for kind in ("svg", "png"):
        (folder / f"{name}.{kind}").unlink(missing_ok=True)
    return None if figure is None else save(figure, folder, name, png=png)
