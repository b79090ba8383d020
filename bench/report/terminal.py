"""A run in a terminal of 80 columns: a table for each workload, the warnings, and last what they come to.

Figures are never truncated: if space is short, names are folded, and then numbers of clients are left out.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any, Final

import pandas as pd
from rich.table import Table
from rich.text import Text

from bench.analysis.load import Run
from bench.narrative import recommend, wording
from bench.narrative.headlines import headline
from bench.narrative.recommend import Recommendation, recommendations
from bench.narrative.run_warnings import WarningSummary
from bench.schema.thread_state import THREAD_STATES
from bench.terminal import github
from bench.terminal.console import Terminal

CLIENTS_SHOWN: Final = 3  # at most, as many as fit; summary.csv has them all
_NAMES: Final = ("model", "interpreter")
_NAME_LEAST: Final = 8  # columns


def show_run(console: Terminal, run: Run, summary: pd.DataFrame, warned: Sequence[WarningSummary]) -> None:
    """Print the tables, the warnings, the headline and the decisions; a log of GitHub Actions has the tables folded."""
    clients = _print_rows(console, run, summary)
    for workload in run.values("workload"):
        _fold(console, _table(console, run, summary, workload, clients), f"{workload}: requests per second")
    if summary["thread_cpu_share"].notna().any():
        most = clients[-1]
        _fold(
            console,
            _thread_states_table(console, summary[summary["clients"] == most]),
            f"where the serving threads' time went, {wording.plural(most, 'client')}",
        )
    console.print()
    console.print(console.spell(_note(run, len(clients)), "dim"))
    if warned and not github.runs_in_actions():
        console.print()
        for warning in warned:
            _say(console, warning.code, str(warning)[len(warning.code) :], "yellow")
    github.warn([(f"gilbench: {one.code}", str(one)[len(one.code) + 2 :]) for one in warned], console.stream)
    console.print()
    console.print(console.spell(headline(run), "bold"))
    best = recommendations(run)
    if best:
        console.print()
        console.print(_decisions_table(console, run, best))
        console.print()
    for one in best:
        for note in filter(None, (one.quickest, *one.watch_out)):
            _say(console, one.workload, f": {note}", "yellow")


def _decisions_table(console: Terminal, run: Run, best: Sequence[Recommendation]) -> Table:
    """Return the table of what serves each workload best."""
    rows = [(one.workload, _choice(one), *one.figures) for one in best]
    title = f"which serves best, by {run.objective}"
    figures = recommend.titles(run)
    return console.table((*_CHOICE, *figures), rows, title=title, folded=_CHOICE[1:], right=figures)


_CHOICE: Final = ("workload", "best measured")


def _choice(one: Recommendation) -> str:
    return f"{one.answer}; tied with {one.tied}" if one.tied else one.answer


def _say(console: Terminal, subject: str, rest: str, style: str) -> None:
    console.print(Text.assemble(console.spell(subject, style), console.spell(rest)))


def _fold(console: Terminal, table: Table, title: str) -> None:
    if github.runs_in_actions():
        with github.group(title, console.stream):
            console.print(table)
    else:
        table.title = console.spell(title, "bold")
        console.print()
        console.print(table)


def _note(run: Run, shown: int) -> str:
    note = "req/s: median ± half the range over passes." if run.windows["pass"].nunique() > 1 else "req/s: of one pass."
    hidden = len(run.values("clients")) - shown
    return note + (f" {wording.plural(hidden, 'number')} of clients left out: see summary.csv." if hidden else "")


def _print_rows(console: Terminal, run: Run, summary: pd.DataFrame) -> list[int]:
    """Return the numbers of clients for which there is room in every table."""
    every = run.values("clients")
    for many in range(min(CLIENTS_SHOWN, len(every)), 1, -1):
        clients = [every[0], *every[1 - many :]] if many < len(every) else every
        needed = max(
            sum(max(len(console.spell(text)) for text in column) + 1 for column in zip(*rows, strict=True))
            for rows in _figures(run, summary, clients)
        )
        if needed + 2 * (_NAME_LEAST + 1) <= console.width:
            return clients
    return every[-1:]


def _figures(run: Run, summary: pd.DataFrame, clients: list[int]) -> Iterator[list[tuple[str, ...]]]:
    """Yield for each workload its titles and the rows of its figures."""
    for workload in run.values("workload"):
        yield [titles(clients), *(row for _, _, row in table_rows(run, summary, workload, clients))]


def titles(clients: list[int]) -> tuple[str, ...]:
    """Return the titles of the figures that :func:`table_rows` yields."""
    top = clients[-1]
    return (*(wording.plural(count, "client") for count in clients), f"cores@{top}", f"p99@{top} ms")


def table_rows(
    run: Run, summary: pd.DataFrame, workload: str, clients: list[int]
) -> Iterator[tuple[str, str, tuple[str, ...]]]:
    """Yield model, interpreter and the figures of a row, for those of a workload."""
    rows = summary[summary["workload"] == workload]
    cells = {(row["model"], row["interpreter"], row["clients"]): row for _, row in rows.iterrows()}
    for model in run.values("model"):
        for interpreter in run.values("interpreter"):
            here = [cells.get((model, interpreter, count)) for count in clients]
            if any(row is not None for row in here):
                last = here[-1]
                yield (
                    wording.model_name(run, model, interpreter),
                    str(interpreter),
                    (
                        *(wording.UNKNOWN if row is None else _rate(row) for row in here),
                        wording.UNKNOWN if last is None else wording.ratio(last["effective_cores"]),
                        wording.UNKNOWN if last is None else wording.milliseconds(last["latency_p99_ns"]),
                    ),
                )


def _table(console: Terminal, run: Run, summary: pd.DataFrame, workload: str, clients: list[int]) -> Table:
    figures = titles(clients)
    rows = [(model, interpreter, *texts) for model, interpreter, texts in table_rows(run, summary, workload, clients)]
    return console.table((*_NAMES, *figures), rows, folded=_NAMES, right=figures)


def _thread_states_table(console: Terminal, rows: pd.DataFrame) -> Table:
    """Return a table of where the serving threads' time went."""
    names, figures = ("workload", *_NAMES), tuple(state.label for state in THREAD_STATES)
    texts = [
        (
            *(str(row[name]) for name in names),
            *(wording.share(float(row[f"thread_{state.key}_share"])) for state in THREAD_STATES),
        )
        for _, row in rows.iterrows()
    ]
    return console.table((*names, *figures), texts, folded=names, right=figures)


def _rate(row: pd.Series[Any]) -> str:
    median, low, high = (float(row[f"throughput_rps{end}"]) for end in ("", "_low", "_high"))
    return wording.rate(median) + ("" if math.isnan(low) or not median else f" ±{(high - low) / 2 / median:.0%}")
