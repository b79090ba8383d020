"""Output formats of a comparison: terminal, markdown, JSON and HTML."""

from __future__ import annotations

import io
import itertools
import json
import math
from collections.abc import Callable, Iterator, Sequence
from typing import Final

from bench.analysis.comparison import Compared, Comparison
from bench.analysis.metrics import METRICS
from bench.analysis.verdict import Verdict
from bench.analysis.verdict_counts import VerdictCounts, count_verdicts, order_by_size
from bench.narrative import wording
from bench.report import theme
from bench.report.inline import inline
from bench.report.markdown import escape
from bench.report.plots import forest
from bench.report.plots.style import style, to_svg
from bench.report.templates import render_template
from bench.stats.ratios import Ratio
from bench.terminal.console import WIDTH, Terminal

LEFT_OUT_SHOWN: Final = 3
MARKS: Final = {Verdict.FASTER: "▲", Verdict.SLOWER: "▼", Verdict.SAME: "=", Verdict.UNDECIDED: "?"}
_FOLDED: Final = ("cell", "verdict")
_SHORT: Final = ("metric", "▲ faster", "▼ slower", "= same", "? undecided", "mean ratio [interval]")
_TITLES: Final = ("cell", "ratio [interval]", "verdict")
_STYLES: Final = {Verdict.FASTER: "bold", Verdict.SLOWER: "bold", Verdict.SAME: "", Verdict.UNDECIDED: "dim"}


def figures(shown: Ratio) -> str:
    """Format a ratio with its interval, as ``1.034 [1.021, 1.047]``."""
    interval = f"[{shown.low:.3f}, {shown.high:.3f}]" if shown.has_interval else "(one launch)"
    return f"{shown.ratio:.3f} {interval}"


def answer(row: Compared) -> str:
    """Return the verdict or, if undecided, how much longer to measure."""
    if row.verdict is not Verdict.UNDECIDED:
        return str(row.verdict)
    if not row.ratio.has_interval:
        return "not enough data: one launch"
    if math.isnan(row.minutes):
        return "not enough data"
    return f"not enough data: {_much(row.minutes)} more"


def _much(minutes: float) -> str:
    hours = minutes / 60
    return f"about {max(1, minutes):.0f} min" if hours < 2 else f"about {hours:.0f} h" if hours < 100 else "over 100 h"


def notes(comparison: Comparison) -> Iterator[str]:
    """Yield notes on how to read the rows."""
    rows = comparison.rows
    if not rows:
        yield "Nothing could be compared."
        return
    if comparison.machines:
        yield (
            f"The two runs are of different machines ({'; '.join(comparison.machines)}): every ratio is one of the "
            "machines, too."
        )
    confidence = rows[0].confidence
    interim = (
        "" if confidence == 0.95 else f", each at {confidence:.1%} so that they hold over several interim analyses"
    )
    yield (
        f"Ratio: candidate / baseline, geometric mean over launches of the servers, 95% confidence interval{interim}. "
        "A difference is reported if the interval excludes 1 and the p-value, corrected for the number of cells "
        "of the pair (Benjamini-Hochberg), agrees. Faster means better: less, for latency and CPU."
    )
    if comparison.means:
        yield "Mean ratio: over all cells, each with the same weight; its interval is over passes."
    if comparison.same_within:
        yield f"Same: the whole interval lies within {comparison.same_within:.1%} of 1."
    if not rows[0].paired:
        yield (
            "The two runs were not measured side by side: intervals are those of unpaired samples, and exclude changes "
            "of the whole machine between the runs."
        )
    fields = sorted({name for row in rows for name in row.differs})
    if fields:
        titles = ", ".join(wording.BUILD.get(name, name) for name in fields)
        yield f"≠: the two were built differently ({titles}), so the difference is not due to the version alone."
    marked = max(row.marked for row in rows)
    changes = [abs(row.undisturbed / row.ratio.ratio - 1) for row in rows if row.marked and row.undisturbed is not None]
    if marked > 0:
        without = f"; without them ratios would change by up to {max(changes):.1%}" if changes else ""
        yield f"Other programs or the host disturbed up to {marked:.0%} of a row's windows, all included{without}."
    yield from _left_out(comparison)


def _left_out(comparison: Comparison) -> Iterator[str]:
    """Yield a sentence for each reason, with its cells."""
    cells: dict[str, list[str]] = {}
    for what in comparison.left_out:
        cell, _, reason = what.partition(": ")
        cells.setdefault(reason, []).append(cell)
    for reason, found in cells.items():
        more = [f"{len(found) - LEFT_OUT_SHOWN} more"] if len(found) > LEFT_OUT_SHOWN else []
        yield f"Left out, {reason}: {wording.join_words([*found[:LEFT_OUT_SHOWN], *more])}."


def show_comparison(console: Terminal, comparison: Comparison) -> None:
    """Print a summary, then for each metric and candidate what is decided, the largest change first, and the notes.

    What is undecided has one line with how long it would take; cells are folded where space is short.
    """
    for sides, tallied in _short(comparison):
        built = " ≠" if any(row.differs for row in comparison.rows if row.candidate == sides[0]) else ""
        title = f"In short: {sides[0]} / {sides[1]}{built}"
        console.print(console.table(_SHORT, tallied.values(), title=title, right=_SHORT[1:-1]))
        console.print()
    for (metric, candidate), rows in _tables(comparison):
        decided = order_by_size([row for row in rows if row.verdict is not Verdict.UNDECIDED])
        undecided = [row for row in rows if row.verdict is Verdict.UNDECIDED]
        title = f"{METRICS[metric].title}: {candidate} / {rows[0].baseline}"
        if decided:
            shown = [
                (
                    row.group.name,
                    figures(row.ratio),
                    console.spell(f"{MARKS[row.verdict]} {row.verdict}", _STYLES[row.verdict]),
                )
                for row in decided
            ]
            console.print(console.table(_TITLES, shown, title=title, folded=_FOLDED))
        else:
            console.print(console.spell(title, "bold"))
        if undecided:
            console.print(console.spell(undecided_line(undecided, len(rows)), "dim"))
        console.print()
    for note in notes(comparison):
        console.print(console.spell(note, "dim"))


def undecided_line(rows: Sequence[Compared], of_all: int) -> str:
    """Say how many rows are undecided, and how much longer to measure the half that needs least."""
    known = sorted(row.minutes for row in rows if not math.isnan(row.minutes))
    if not any(row.ratio.has_interval for row in rows):
        needed = ": there is one launch of each"
    elif known:
        half = known[: (len(known) + 1) // 2]
        needed = f": {_much(sum(half))} more on the nearest {len(half)} would probably decide those"
    else:
        needed = ""
    return f"{MARKS[Verdict.UNDECIDED]} not enough data in {len(rows)} of {wording.plural(of_all, 'cell')}{needed}."


def terminal(comparison: Comparison) -> str:
    """Return what :func:`show_comparison` prints, without colours."""
    out = io.StringIO()
    show_comparison(Terminal(file=out, width=WIDTH), comparison)
    return out.getvalue()


def markdown(comparison: Comparison) -> str:
    """Return a summary and a table for each candidate, for a comment on a pull request."""
    lines: list[str] = []
    for (candidate, baseline), tallied in _short(comparison):
        lines += [f"**{escape(candidate)}** / {escape(baseline)}", ""]
        lines += [f"| {' | '.join(_SHORT)} |", f"|---|{'---|' * len(_SHORT[1:])}"]
        lines += [*(f"| {' | '.join(row)} |" for row in tallied.values()), ""]
        rows = [row for row in comparison.rows if row.candidate == candidate]
        metrics = list(tallied)
        by_group = {(row.group, row.metric): row for row in rows}
        lines += [f"| cell | {' | '.join(METRICS[metric].title for metric in metrics)} |"]
        lines += [f"|---|{'---|' * len(metrics)}"]
        for group in dict.fromkeys(row.group for row in rows):
            shown = (by_group.get((group, metric)) for metric in metrics)
            columns = (
                f"{MARKS[row.verdict]} {figures(row.ratio)}{' ≠' if row.differs else ''}" if row else "–"
                for row in shown
            )
            lines.append(f"| {escape(group.name)} | {' | '.join(columns)} |")
        lines.append("")
    lines.append("▲ faster, ▼ slower, = same, ? not enough data.")
    lines += [f"\n{escape(note)}" for note in notes(comparison)]
    return "\n".join(lines) + "\n"


def json_document(comparison: Comparison) -> str:
    """Return a list with an object for each cell and metric."""
    machines = {"machines_differ_in": list(comparison.machines)}
    return json.dumps([row.to_dict() | machines for row in comparison.rows], indent=1, allow_nan=False) + "\n"


def html(comparison: Comparison) -> str:
    """Return a self-contained page."""
    tables = [
        (
            METRICS[metric].title,
            candidate,
            rows[0].baseline,
            [(row, figures(row.ratio), answer(row)) for row in order_by_size(rows)],
        )
        for (metric, candidate), rows in _tables(comparison)
    ]
    with style():
        figure = forest.draw_comparison(comparison)
    return render_template(
        "bench.report",
        "compare.html.j2",
        theme=theme.css(),
        short=[(*sides, tallied.values()) for sides, tallied in _short(comparison)],
        titles=_SHORT,
        built={row.candidate for row in comparison.rows if row.differs},
        tables=tables,
        notes=list(notes(comparison)),
        forest=inline(to_svg(figure, "forest"), "forest") if figure is not None else "",
        marks=MARKS,
    )


COMPARISON_FORMATS: Final[dict[str, Callable[[Comparison], str]]] = {
    "terminal": terminal,
    "markdown": markdown,
    "json": json_document,
    "html": html,
}


def _short(comparison: Comparison) -> Iterator[tuple[tuple[str, str], dict[str, list[str]]]]:
    """Yield candidate and baseline, with the summary of each metric as texts."""
    for sides, few in itertools.groupby(count_verdicts(comparison), lambda one: (one.candidate, one.baseline)):
        yield sides, {one.metric: _verdict_text(one) for one in few}


def _verdict_text(one: VerdictCounts) -> list[str]:
    mean = "–" if one.mean is None else figures(one.mean)
    return [METRICS[one.metric].title, *map(str, one.cells.values()), mean]


def _tables(comparison: Comparison) -> Iterator[tuple[tuple[str, str], list[Compared]]]:
    def of(row: Compared) -> tuple[str, str]:
        return row.metric, row.candidate

    places = {name: place for place, name in enumerate(METRICS)}
    rows = sorted(comparison.rows, key=lambda row: places[row.metric])  # stable: cells stay in order
    for candidate in dict.fromkeys(row.candidate for row in rows):
        for key, group in itertools.groupby((row for row in rows if row.candidate == candidate), of):
            yield key, list(group)
