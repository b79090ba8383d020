"""A breakdown as a table of 80 columns or fewer, on a terminal or in a file, and as JSON."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final, NamedTuple

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from bench.live.breakdown import SHOWN, Breakdown, Row
from bench.live.interval import GIL, IDLE, LOCK, OWN
from bench.schema import thread_state
from bench.terminal.console import Terminal
from bench.threads.account import CPU, RUN_QUEUE

WIDTH: Final = 80
_BAR: Final = 16
_NUMBER: Final = 7  # of a process or a thread
_NAME: Final = 20
_GOOD_NAME: Final = 10
_SHORTEST_NAME: Final = 6
_WORTH_NAMING: Final = 0.005
_TASKS_SHOWN: Final = 5
_AROUND: Final = 9  # lines of a screen that are not threads
_FEWEST: Final = 3


class Appearance(NamedTuple):
    """A kind of time: its title in two lines, its column's width, its colour, and what fills a bar.

    Attributes:
        filling: with colours.
        texture: without.
        letter: where there is nothing but ASCII.
    """

    title: str
    width: int
    colour: str
    filling: str
    texture: str
    letter: str


_APPEARANCES: Final = {
    CPU: Appearance("\nCPU", 4, thread_state.CPU.colour, "█", "█", "#"),
    RUN_QUEUE: Appearance("run\nqueue", 5, thread_state.RUN_QUEUE.colour, "█", "▓", "+"),
    GIL: Appearance("GIL\nwait", 4, thread_state.GIL_WAIT.colour, "█", "▒", "="),
    LOCK: Appearance("lock\nwait", 5, thread_state.LOCK_WAIT.colour, "█", "░", ":"),
    OWN: Appearance("\nblocked", 7, thread_state.BLOCKED.colour, "─", "─", "-"),
    IDLE: Appearance("\nidle", 4, "", " ", " ", " "),
}


class Layout(NamedTuple):
    """What of a table fits into a width: figures stay whole, so names and whole columns give way.

    Attributes:
        pid, tid, bar: whether there are such columns.
        name: width of the threads' names; 0: no such column.
        kinds: the kinds of time.
    """

    pid: bool
    tid: bool
    name: int
    bar: bool
    kinds: tuple[str, ...]

    @property
    def width(self) -> int:
        """Columns that it takes, one between any two."""
        widths = [_NUMBER * self.pid, _NUMBER * self.tid, self.name, _BAR * self.bar]
        widths += [_APPEARANCES[kind].width for kind in self.kinds]
        return sum(width + 1 for width in widths if width) - 1


def fit(width: int, *, processes: bool, bar: bool) -> Layout:
    """Return the layout with the most that fits into a width.

    Args:
        width: in columns.
        processes: there are several, so that their pids are of use.
        bar: bars are wanted.
    """
    whole = Layout(processes, tid=True, name=0, bar=bar, kinds=SHOWN)
    for least, layout in (
        (_GOOD_NAME, whole),
        (_SHORTEST_NAME, whole._replace(bar=False)),
        (_SHORTEST_NAME, whole._replace(bar=False, pid=False)),
        (_SHORTEST_NAME, whole._replace(bar=False, pid=False, tid=False)),
        (0, whole._replace(bar=False, pid=False, tid=False)),
    ):
        room = width - layout.width - 1
        if room >= least or (least == 0 and room >= -1):
            return layout._replace(name=min(max(room, 0), _NAME - 5 * processes) if least else 0)
    while layout.width > width and len(layout.kinds) > 1:
        layout = layout._replace(kinds=layout.kinds[:-1])
    return layout


def table(breakdown: Breakdown, about: list[str], notes: list[str], console: Terminal) -> RenderableType:
    """Return a breakdown as it is shown.

    Args:
        breakdown: the breakdown.
        about: description of the process, for the line above the table.
        notes: lines below the table.
        console: where it is shown; a terminal gets bars, and no more threads than there is room for.
    """
    rows = list(breakdown.rows)
    below = [*_blocked(breakdown), *_tasks(breakdown), _cost(breakdown), *notes]
    room = max(_FEWEST, console.height - _AROUND - len(below)) if console.is_terminal else len(rows)
    hidden = rows[room:] if len(rows) > room + 1 else []
    processes = len({row.pid for row in rows if row.pid is not None}) > 1
    layout = fit(console.width, processes=processes, bar=console.is_terminal)
    grid = _empty(layout, console)
    for row in rows[: len(rows) - len(hidden)]:
        grid.add_row(*_cells(row, layout, console))
    if hidden and layout.name:
        grid.add_row(*[""] * (layout.pid + layout.tid), Text(f"and {len(hidden)} more", style="dim"))
    if len(rows) > 1:
        grid.add_row(*_cells(breakdown.total, layout, console, style="bold"))
    lines = [console.spell(line, "dim") for line in below]
    return Group(console.spell(" · ".join([*about, *_summary(breakdown)]), "bold"), Text(), grid, Text(), *lines)


def breakdown_to_dict(breakdown: Breakdown, pid: int, python: str | None) -> dict[str, Any]:
    """Return a breakdown as a JSON object; shares are of the thread's time; in the total, of all threads' that ran."""
    return {
        "pid": pid,
        "python": python,
        "seconds": breakdown.seconds,
        "threads": [{"pid": row.pid, "tid": row.tid, "name": row.name} | _figures(row) for row in breakdown.rows],
        "total": _figures(breakdown.total),
        "never_ran": breakdown.still,
        "tasks": [row.awaited._asdict() | {"tasks": row.tasks} for row in breakdown.tasks],
        "samples": breakdown.samples,
        "overhead_cores": breakdown.overhead_cores,
        "py_spy_cost_cores": breakdown.snapshots_cost_cores,
    }


def _figures(row: Row) -> dict[str, Any]:
    return {
        "threads": row.threads,
        **row.shares,
        "lock_or_queue": row.lock_or_queue,
        "blocked_in": row.blocked_in,
    }


def _empty(layout: Layout, console: Terminal) -> Table:
    """Return a table without rows; with bars their key is beneath the titles."""
    grid = Table(box=None, padding=(0, 1, 0, 0), pad_edge=False, show_edge=False)
    for title, shown in (("\npid", layout.pid), ("\ntid", layout.tid)):
        if shown:
            grid.add_column(title, justify="right", no_wrap=True, width=_NUMBER)
    if layout.name:
        grid.add_column("\nthread", no_wrap=True, width=layout.name)
    for kind in layout.kinds:
        appearance = _APPEARANCES[kind]
        key = [_bar(kind, appearance.width, console)] if layout.bar else []
        head = Text("\n").join([Text(appearance.title), *key])
        grid.add_column(head, justify="right", no_wrap=True, width=appearance.width)
    if layout.bar:
        grid.add_column("", no_wrap=True, width=_BAR)
    return grid


def _cells(row: Row, layout: Layout, console: Terminal, style: str = "") -> list[RenderableType]:
    cells: list[RenderableType] = [*[_number(row.pid)] * layout.pid, *[_number(row.tid)] * layout.tid]
    if layout.name:
        cells.append(console.fit(row.name, layout.name, style))
    for kind in layout.kinds:
        mark = "?" if kind == LOCK and row.lock_or_queue else ""
        figure = f"{row.shares[kind]:.0%}{mark}"
        cells.append(Text(figure, style="dim" if figure == "0%" else style))
    return [*cells, bar(row.shares, console)] if layout.bar else cells


def bar(shares: dict[str, float], console: Terminal) -> Text:
    """Return shares as a bar, each with as many cells as come closest to it; all of them make the whole."""
    exact = {kind: shares[kind] * _BAR for kind in SHOWN}
    cells = {kind: int(value) for kind, value in exact.items()}
    by_rest = sorted(SHOWN, key=lambda kind: cells[kind] - exact[kind])
    for kind in by_rest[: round(sum(exact.values())) - sum(cells.values())]:
        cells[kind] += 1
    return Text().join(_bar(kind, cells[kind], console) for kind in SHOWN)


def _bar(kind: str, width: int, console: Terminal) -> Text:
    appearance = _APPEARANCES[kind]
    plain = console.no_color or console.color_system is None
    filling = appearance.texture if plain else appearance.filling
    return Text((filling if console.can_write(filling) else appearance.letter) * width, style=appearance.colour)


def _number(value: int | None) -> str:
    return "" if value is None else str(value)


def _summary(breakdown: Breakdown) -> list[str]:
    threads, cores = breakdown.total.threads, breakdown.total.threads * breakdown.total.shares[CPU]
    counted = f"{threads:.0f} thread" + ("" if round(threads) == 1 else "s")
    counted += f" and {breakdown.still} that never ran" if breakdown.still else ""
    return [counted, f"{cores:.2f} cores", f"over {breakdown.seconds:.1f} s"]


def _blocked(breakdown: Breakdown) -> list[str]:
    """Return what all threads together were blocked in, the most first."""
    shares = sorted(breakdown.total.blocked_in.items(), key=lambda one: -one[1])
    shown = [f"{share:.0%} {kind}" for kind, share in shares if share >= _WORTH_NAMING]
    return [f"blocked: {', '.join(shown)}"] if shown else []


def _tasks(breakdown: Breakdown) -> list[str]:
    """Return what asyncio tasks awaited, on average, a line each for the most frequent."""
    if not breakdown.tasks:
        return []
    lines = [f"{sum(row.tasks for row in breakdown.tasks):.1f} asyncio tasks await"]
    for awaited, tasks in breakdown.tasks[:_TASKS_SHOWN]:
        where = f"{awaited.function} ({Path(awaited.file).name}:{awaited.line})" if awaited.function else "a library"
        lines.append(f"{tasks:7.1f}  {awaited.awaits or 'others'} in {where}")
    hidden = breakdown.tasks[_TASKS_SHOWN:]
    return lines + ([f"{sum(row.tasks for row in hidden):7.1f}  elsewhere"] if hidden else [])


def _cost(breakdown: Breakdown) -> str:
    samples = f"{breakdown.samples / breakdown.seconds:.0f} samples/s for {breakdown.overhead_cores:.1%} of a core"
    return samples + (f", py-spy {breakdown.snapshots_cost_cores:.1%}" if breakdown.snapshots_cost_cores else "")
