"""Draw a run from its records: ``python -m bench.analysis FOLDER``."""

from __future__ import annotations

import argparse
import io
import sys
from pathlib import Path

from rich.text import Text

from bench.analysis import step_summary
from bench.analysis.arguments import Parser, fail
from bench.analysis.findings import findings
from bench.analysis.load import PAGE, RECORDS, Run, read_run
from bench.analysis.micro.chapter import chapter
from bench.analysis.micro.load import load as load_micro
from bench.analysis.page import draw_page
from bench.analysis.plots import PLOTS
from bench.analysis.plots.style import save, style
from bench.analysis.profile.chapter import chapter as profile_chapter
from bench.analysis.profile.load import load as load_profiles
from bench.analysis.run_warnings import collect_warnings
from bench.analysis.scaling import table as scaling
from bench.analysis.serve import is_drawn, serve
from bench.analysis.summary import summarise, to_csv
from bench.analysis.terminal import show
from bench.paths import latest
from bench.schema.run_meta import State
from bench.terminal.console import Terminal
from loadgen.errors import GilbenchError

PORT = 8765
MAX_PORT = 65535
MICRO = "micro"  # a folder of microbenchmarks in that of a run


def main(argv: list[str] | None = None) -> int:
    """Draw what the command line names, and return the exit status."""
    options = parser().parse_args(argv)
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # a terminal without × is no reason to fail
    try:
        if not options.serve:
            draw(read_run(options.folder), quiet=options.quiet)
        else:
            if options.folder.is_dir() and not is_drawn(options.folder) and not _going_on(options.folder):
                draw(read_run(options.folder), quiet=True)
            serve(options.folder, options.port)
    except GilbenchError as exc:
        return fail(str(exc), 1)
    except OSError as exc:
        where = exc.filename or options.folder
        return fail(f"cannot write to {where}: {exc.strerror}; make room, or copy the folder elsewhere", 1)
    return 0


def parser() -> Parser:
    """Return what reads the command line."""
    made = Parser(
        prog="nox -s report --",
        description="Draw a run again from its records: its page, pictures and tables.",
        examples=[
            ("nox -s report", "the latest run"),
            ("nox -s report -- results/example", "the example run"),
            ("nox -s report -- --serve", "in a browser; follows a run that is going on"),
        ],
        exits={0: "all well", 1: "the run cannot be read, or drawn", 2: "wrong options"},
    )
    made.add_argument(
        "folder",
        nargs="?",
        type=Path,
        default=latest(),
        metavar="RUN",
        help="a run's folder (default: the latest run)",
    )
    made.add_argument("-q", "--quiet", action="store_true", help="write the path of the page and nothing else")
    made.add_argument(
        "--serve",
        action="store_true",
        help="serve the page to browsers on this machine; that of a run that is going on follows it",
    )
    made.add_argument(
        "--port", type=_port, default=PORT, metavar="N", help=f"for --serve; 0: any that is free (default: {PORT})"
    )
    return made


def _port(text: str) -> int:
    if not text.isdecimal() or int(text) > MAX_PORT:
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number from 0 to {MAX_PORT}")
    return int(text)


def _going_on(folder: Path) -> bool:
    """Tell whether a run is being measured, or has not begun to be: then there is nothing to draw pictures from."""
    try:
        return read_run(folder).meta.state is State.RUNNING
    except GilbenchError:
        return not (folder / RECORDS).is_file()


def draw(run: Run, *, quiet: bool = False) -> Path:
    """Write everything that is drawn from a run into its folder, and show it.

    Returns:
        The page.

    Raises:
        GilbenchError: the microbenchmarks or profiles that lie in it cannot be understood.
        OSError: the folder cannot be written to.
    """
    summary, found, warned = summarise(run), findings(run), collect_warnings(run)
    (run.folder / "summary.csv").write_text(to_csv(summary), encoding="utf-8")
    (run.folder / "scaling.csv").write_text(scaling.to_csv(run), encoding="utf-8")
    page = run.folder / PAGE
    micro_folder = run.folder / MICRO
    microscope = chapter(load_micro(micro_folder), level=3) if micro_folder.is_dir() else None
    profiles = load_profiles(run.folder)
    page.write_text(
        draw_page(
            run,
            summary,
            found,
            warned,
            _draw_plots(run),
            microscope=microscope,
            profiles=profile_chapter(profiles, level=3) if profiles else None,
            profiled={profile.name: profile.group for profile in profiles},
        ),
        encoding="utf-8",
    )
    console = Terminal()
    if not quiet:
        show(console, run, summary, found, warned)
        console.print()
    step_summary.append(run, summary, found, warned)
    console.print(Text(str(page)), soft_wrap=True)
    return page


def _draw_plots(run: Run) -> dict[str, str]:
    """Write the plots and return them as SVG; one that has nothing to show leaves no old file behind."""
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


if __name__ == "__main__":
    sys.exit(main())
