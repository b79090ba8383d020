"""Draw a run from its records: its page, plots and tables."""

from __future__ import annotations

from pathlib import Path

from rich.text import Text

from bench.analysis.load import PAGE, Run
from bench.analysis.micro import load_micro
from bench.analysis.profile.load import load_profiles
from bench.analysis.scaling import table as scaling
from bench.analysis.summary import summarise, to_csv
from bench.narrative.findings import collect_findings
from bench.narrative.run_warnings import collect_warnings
from bench.report import step_summary
from bench.report.micro.chapter import chapter
from bench.report.page import draw_page
from bench.report.plots import PLOTS
from bench.report.plots.style import save, style
from bench.report.profile.chapter import chapter as profile_chapter
from bench.report.terminal import show_run
from bench.terminal.console import Terminal

MICRO = "micro"  # the folder of microbenchmarks in a run's folder


def draw(run: Run, *, quiet: bool = False) -> Path:
    """Write everything that is drawn from a run into its folder, and show the run.

    Returns:
        The page.

    Raises:
        GilbenchError: its microbenchmarks or profiles cannot be parsed.
        OSError: the folder cannot be written to.
    """
    summary, found, warned = summarise(run), collect_findings(run), collect_warnings(run)
    (run.folder / "summary.csv").write_text(to_csv(summary), encoding="utf-8")
    (run.folder / "scaling.csv").write_text(scaling.to_csv(run), encoding="utf-8")
    page = run.folder / PAGE
    micro_folder = run.folder / MICRO
    microbenchmarks = chapter(load_micro(micro_folder), level=3) if micro_folder.is_dir() else None
    profiles = load_profiles(run.folder)
    page.write_text(
        draw_page(
            run,
            summary,
            found,
            warned,
            _draw_plots(run),
            microbenchmarks=microbenchmarks,
            profiles=profile_chapter(profiles, level=3) if profiles else None,
            profiled={profile.name: profile.group for profile in profiles},
        ),
        encoding="utf-8",
    )
    console = Terminal()
    if not quiet:
        show_run(console, run, summary, found, warned)
        console.print()
    step_summary.append(run, summary, found, warned)
    console.print(Text(str(page)), soft_wrap=True)
    return page


def _draw_plots(run: Run) -> dict[str, str]:
    """Write the plots and return them as SVG; old files of plots with nothing to show are removed."""
    folder = run.folder / "plots"
    folder.mkdir(exist_ok=True)
    pictures = {}
    for name, plot in PLOTS.items():
        with style():
            figure = plot(run)
        if figure is not None:
            pictures[name] = save(figure, folder, name)
            continue
        for kind in ("svg", "png"):
            (folder / f"{name}.{kind}").unlink(missing_ok=True)
    return pictures
