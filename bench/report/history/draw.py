"""The page of all runs: each cell over time and over versions, and the runs in which something changed."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from matplotlib.figure import Figure
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from bench.analysis.history.changes import FEWEST_RUNS, LEVEL, Change
from bench.analysis.history.series import RATIO, THROUGHPUT, Series
from bench.analysis.load import Run, read_run
from bench.report import explore, theme
from bench.report.history import plots
from bench.report.history.explored import explorer_data
from bench.report.inline import inline
from bench.report.plots.style import save, style
from bench.report.templates import render_template
from bench.schema.record import RECORDS
from bench.schema.run_meta import META
from loadgen.errors import GilbenchError, InvalidInput

_MOST_SHOWN: Final = 30  # changes, in the terminal


def load_history(paths: Sequence[Path]) -> tuple[list[Run], list[str]]:
    """Return the runs, and why others are left out.

    Raises:
        GilbenchError: there are fewer than two.
    """
    runs, left_out = [], []
    for folder in _folders(paths):
        try:
            runs.append(read_run(folder))
        except GilbenchError as exc:
            left_out.append(str(exc))
    if len(runs) < 2:
        why = f" ({left_out[0]})" if left_out else ""
        where = ", ".join(map(str, paths))
        raise InvalidInput(f"a history needs two runs, found {len(runs)} in {where}{why}: measure with gilbench bench")
    return runs, left_out


def _folders(paths: Sequence[Path]) -> Iterator[Path]:
    for path in paths:
        if not path.is_dir():
            raise InvalidInput(f"{path} is not a folder: name runs, or a folder of runs such as results/runs")
        one = any((path / name).exists() for name in (META, RECORDS))
        yield from [path] if one else sorted(inner for inner in path.iterdir() if inner.is_dir())


def write_page(
    folder: Path, runs: Sequence[Run], series: Sequence[Series], found: Sequence[Change], left_out: Sequence[str]
) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "changes.json").write_text(json.dumps([_json_document(one) for one in found], indent=1) + "\n", "utf-8")
    pictures = [inline(save(figure, folder, name), name) for name, figure in _pictures(series, found)]
    page = folder / "history.html"
    text = render_template(
        "bench.report.history",
        "history.html.j2",
        theme=theme.css(),
        style=explore.style(),
        data=explore.island(explorer_data(series, found)) if series else "",
        script=explore.script("bench.report.history", ("choices", "runs", "main")),
        summary=_summary(runs, series),
        notes=list(_notes(series, left_out)),
        changes=found,
        pictures=pictures,
    )
    page.write_text(text, encoding="utf-8")
    return page


def _pictures(series: Sequence[Series], found: Sequence[Change]) -> Iterator[tuple[str, Figure]]:
    """Yield each plot of each machine with the name of its file."""
    for number, conditions in enumerate(dict.fromkeys(one.conditions.machine for one in series)):
        here = [one for one in series if one.conditions.machine == conditions]
        with style():
            drawn = {
                "throughput": plots.draw_over_time(here, found, THROUGHPUT),
                "ratio": plots.draw_over_time(here, found, RATIO),
                "versions": plots.draw_over_versions(here),
            }
        for name, figure in drawn.items():
            if figure is not None:
                yield f"{name}{f'-{number + 1}' if number else ''}", figure


def _json_document(change: Change) -> dict[str, object]:
    series, ratio = change.series, change.ratio
    return {
        "cell": series.cell.name,
        "figure": series.figure,
        "baseline": series.baseline or None,
        "run": change.after.run,
        "run_before": change.before.run,
        "ratio": ratio.ratio,
        "low": ratio.low if ratio.has_interval else None,
        "high": ratio.high if ratio.has_interval else None,
        "interpreters_differ_in": list(change.differs),
    }


def _summary(runs: Sequence[Run], series: Sequence[Series]) -> str:
    times = sorted(point.at for one in series for point in one.points)
    machines = len({one.conditions.machine for one in series})
    on = f"{machines} machines" if machines > 1 else series[0].conditions.machine if series else "no machine"
    return f"{len(runs)} runs from {times[0]:%Y-%m-%d %H:%M} to {times[-1]:%Y-%m-%d %H:%M} on {on}"


def _notes(series: Sequence[Series], left_out: Sequence[str]) -> Iterator[str]:
    long = [one for one in series if len(one.points) >= FEWEST_RUNS]
    yield (
        f"{len(long)} of {len(series)} series have the {FEWEST_RUNS} runs needed to detect changes. A series without a "
        f"change yields a false one with a probability of {LEVEL:.0%}: expect {len(long) * LEVEL:.1f} false changes."
    )
    yield (
        "Throughput also changes with the machine, and then in all cells of a run. A ratio does not, since it compares "
        "two interpreters measured side by side."
    )
    yield from (f"Left out: {why}." for why in left_out)


def show(
    runs: Sequence[Run], series: Sequence[Series], found: Sequence[Change], left_out: Sequence[str], page: Path
) -> None:
    console = Console(highlight=False, soft_wrap=True)
    console.print(Text(_summary(runs, series), style="bold"))
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, padding=(0, 1, 0, 0))
    for title in ("changed in", "cell", "figure", "ratio to before", "interpreters"):
        table.add_column(title, no_wrap=title != "interpreters")
    for change in found[:_MOST_SHOWN]:
        ratio = change.ratio
        interval = f"{ratio.ratio:.3f} [{ratio.low:.3f}, {ratio.high:.3f}]"
        differs = ", ".join(change.differs) or "same"
        table.add_row(*map(Text, (change.after.run, change.series.name, change.series.figure, interval, differs)))
    console.print(table if found else "no change found")
    if len(found) > _MOST_SHOWN:
        console.print(f"and {len(found) - _MOST_SHOWN} more in {page.parent / 'changes.json'}")
    for note in _notes(series, left_out):
        console.print(Text(note, style="dim"))
    console.print(Text(str(page)))
