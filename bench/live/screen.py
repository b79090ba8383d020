"""A breakdown as a table of at most 80 columns, on a terminal or in a file, and as JSON."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from bench.live.breakdown import SHOWN, Breakdown, Row
from bench.live.interval import GIL, IDLE, LOCK, OWN
from bench.schema import thread_state
from bench.threads.account import CPU, RUN_QUEUE

WIDTH: Final = 80
_BAR: Final = 16
_AROUND: Final = 10  # lines of a screen that are not threads
_FEWEST: Final = 3


class Appearance(NamedTuple):
    """A kind of time: its title in two lines, its colour, and what fills a bar with and without colours."""

    title: str
    colour: str
    filling: str
    texture: str


_APPEARANCES: Final = {
    CPU: Appearance("\nCPU", thread_state.CPU.colour, "█", "█"),
    RUN_QUEUE: Appearance("run\nqueue", thread_state.RUN_QUEUE.colour, "█", "▓"),
    GIL: Appearance("GIL\nwait", thread_state.GIL_WAIT.colour, "█", "▒"),
    LOCK: Appearance("lock\nwait", thread_state.LOCK_WAIT.colour, "█", "░"),
    OWN: Appearance("\nblocked", thread_state.BLOCKED.colour, "─", "─"),
    IDLE: Appearance("\nidle", "", " ", " "),
}


def table(breakdown: Breakdown, about: list[str], notes: list[str], console: Console) -> RenderableType:
    """Return a breakdown as it is shown.

    Args:
        breakdown: what was seen.
        about: the process, for the line above it.
        notes: what there is to know, a line each, below it.
        console: where it is shown; on a terminal with bars, and no more threads than there is room for.
    """
    rows = list(breakdown.rows)
    room = max(_FEWEST, console.height - _AROUND - len(notes)) if console.is_terminal else len(rows)
    hidden = rows[room:] if len(rows) > room + 1 else []
    processes = len({row.pid for row in rows if row.pid is not None}) > 1
    grid = _empty(console, processes=processes)
    for row in rows[: len(rows) - len(hidden)]:
        grid.add_row(*_cells(row, console, processes=processes))
    if hidden:
        grid.add_row(*[""] * (1 + processes), Text(f"and {len(hidden)} more", style="dim"))
    if len(rows) > 1:
        grid.add_row(*_cells(breakdown.total, console, processes=processes, style="bold"))
    lines = [Text(line, style="dim") for line in (_cost(breakdown), *notes)]
    return Group(Text(" · ".join([*about, *_summary(breakdown)]), style="bold"), Text(), grid, Text(), *lines)


def breakdown_to_dict(breakdown: Breakdown, pid: int, python: str | None) -> dict[str, Any]:
    """Return a breakdown as it stands in JSON; shares are of the thread's time, and of all threads' time in total."""
    return {
        "pid": pid,
        "python": python,
        "seconds": breakdown.seconds,
        "threads": [{"pid": row.pid, "tid": row.tid, "name": row.name} | _figures(row) for row in breakdown.rows],
        "total": _figures(breakdown.total),
        "samples": breakdown.samples,
        "overhead_cores": breakdown.overhead_cores,
        "py_spy_cost_cores": breakdown.snapshots_cost_cores,
    }


def _figures(row: Row) -> dict[str, Any]:
    return {"threads": row.threads} | row.shares | {"lock_or_queue": row.lock_or_queue}


def _empty(console: Console, *, processes: bool) -> Table:
    """Return a table without rows; on a terminal with bars, whose key is beneath the titles."""
    grid = Table(box=None, padding=(0, 1, 0, 0), pad_edge=False, show_edge=False)
    if processes:
        grid.add_column("\npid", justify="right", no_wrap=True, width=7)
    grid.add_column("\ntid", justify="right", no_wrap=True, width=7)
    grid.add_column("\nthread", no_wrap=True, overflow="ellipsis", width=15 if processes else 20)
    for kind, appearance in _APPEARANCES.items():
        width = 5 if kind in {RUN_QUEUE, LOCK} else 4
        key = [_bar(kind, width, console)] if console.is_terminal else []
        grid.add_column(Text("\n").join([Text(appearance.title), *key]), justify="right", no_wrap=True, width=width)
    if console.is_terminal:
        grid.add_column("", no_wrap=True, width=_BAR)
    return grid


def _cells(row: Row, console: Console, *, processes: bool, style: str = "") -> list[RenderableType]:
    cells: list[RenderableType] = [_number(row.pid)] if processes else []
    cells += [_number(row.tid), Text(row.name, style=style)]
    for kind in SHOWN:
        mark = "?" if kind == LOCK and row.lock_or_queue else ""
        figure = f"{row.shares[kind]:.0%}{mark}"
        cells.append(Text(figure, style="dim" if figure == "0%" else style))
    return [*cells, bar(row.shares, console)] if console.is_terminal else cells


def bar(shares: dict[str, float], console: Console) -> Text:
    """Return shares as a bar, each with as many cells as come closest to it; all of them make the whole."""
    exact = {kind: shares[kind] * _BAR for kind in SHOWN}
    cells = {kind: int(value) for kind, value in exact.items()}
    by_rest = sorted(SHOWN, key=lambda kind: cells[kind] - exact[kind])
    for kind in by_rest[: round(sum(exact.values())) - sum(cells.values())]:
        cells[kind] += 1
    return Text().join(_bar(kind, cells[kind], console) for kind in SHOWN)


def _bar(kind: str, width: int, console: Console) -> Text:
    appearance, plain = _APPEARANCES[kind], console.no_color or console.color_system is None
    return Text((appearance.texture if plain else appearance.filling) * width, style=appearance.colour)


def _number(value: int | None) -> str:
    return "" if value is None else str(value)


def _summary(breakdown: Breakdown) -> list[str]:
    threads, cores = breakdown.total.threads, breakdown.total.threads * breakdown.total.shares[CPU]
    counted = f"{threads:.0f} thread" + ("" if round(threads) == 1 else "s")
    return [counted, f"{cores:.2f} cores", f"over {breakdown.seconds:.1f} s"]


def _cost(breakdown: Breakdown) -> str:
    samples = f"{breakdown.samples / breakdown.seconds:.0f} samples/s for {breakdown.overhead_cores:.1%} of a core"
    return samples + (f", py-spy {breakdown.snapshots_cost_cores:.1%}" if breakdown.snapshots_cost_cores else "")
