"""Progress of a run and its remaining time: live on a terminal, an occasional line elsewhere.

The harness runs in the process of the load generator: anything it computes during a window competes with the server for
the CPUs. So there is no thread that refreshes at any time, as Rich's would: the thread that measures draws, only
between two windows, and so rarely that drawing takes no more than a hundredth of the time. It draws before the warm-up
of a window, so that a terminal on the same machine has finished drawing before the measurement begins.
"""

from __future__ import annotations

import contextlib
import signal
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from types import FrameType, TracebackType
from typing import Final

from rich.live import Live

from bench.schema.cell import Cell
from bench.schema.plan import Plan
from bench.stats.ratios import Ratio
from bench.terminal.console import Terminal
from bench.terminal.live_table import LiveTable, Seen, clock, rate

_LINE_EVERY_S: Final = 10.0
_DRAW_EVERY_S: Final = 0.25
_DRAWING_SHARE: Final = 0.01  # of the time


class Progress:
    """Progress of a run; a context manager.

    Args:
        console: where it is shown.
        plan: what is measured.
        before: windows of a resumed run.
        verbosity: below 0 nothing is shown; above 0 each window has its own line.
    """

    def __init__(self, console: Terminal, plan: Plan, before: Sequence[Seen] = (), verbosity: int = 0) -> None:
        self._console = console
        self._plan = plan
        self._before = len(before)
        self._verbosity = verbosity
        self._began_s = self._told_s = time.monotonic()
        self._table = LiveTable(plan, done=len(before))
        for seen in before:
            self._table.take(seen)
        self._lines: list[str] = []  # lines to print above the table
        self._draw_at_s = 0.0
        alive = console.is_interactive and verbosity >= 0
        self._live = Live(console=console, auto_refresh=False, vertical_overflow="crop") if alive else None

    def __enter__(self) -> Progress:
        if self._live is not None:
            with _whole():
                self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Restore the terminal: below the last state of the table, or without the table if all went well."""
        if self._live is None:
            return
        with _whole(), contextlib.suppress(OSError):
            self._draw(due=True)
            self._live.transient = kind is None  # the final tables contain all of it
            self._live.stop()

    def begin_pass(self, pass_: int, window_s: float) -> None:
        """Show that a pass begins, and the length of its windows."""
        self._table.pass_, self._table.window_s = pass_, window_s
        if self._live is None and self._plan.precision is None:
            self._tell(f"pass {pass_ + 1} of {self._plan.passes}: windows of {window_s:.2f} s")

    def window(self, cell: Cell, pass_: int) -> None:
        """Show which cell is measured now."""
        self._table.now, self._table.pass_ = cell, pass_
        if self._live is not None:
            self._draw()
        elif time.monotonic() - self._told_s >= _LINE_EVERY_S:
            self._told_s = time.monotonic()
            self._tell(self._line(cell))

    def done(self, seen: Seen | None) -> None:
        """Count the current window, with its result; ``None``: it could not be measured."""
        self._table.done += 1
        if seen is not None:
            self._table.take(seen)
        elif self._table.now is not None:
            self._table.fail(self._table.now)
        if self._verbosity > 0 and self._table.now is not None:
            self._tell(self._window_line(self._table.now, seen))

    def visited(self, ratios: Mapping[Cell, Ratio | None]) -> None:
        """Show that the servers of a group are being stopped, with their ratios to the baseline so far."""
        self._table.know(ratios)
        self._table.now = None
        self._draw()

    def _tell(self, line: str) -> None:
        if self._live is not None:
            self._lines.append(line)  # every line above the table redraws it
        elif self._verbosity >= 0:
            self._console.print(self._console.spell(line), soft_wrap=True)

    def _draw(self, *, due: bool = False) -> None:
        began_s = time.monotonic()
        if self._live is None or (began_s < self._draw_at_s and not due):
            return
        with _whole(), contextlib.suppress(OSError):  # the terminal was closed; the run continues
            drawn = self._table.drawn(self._console, began_s - self._began_s, self._left_s(began_s))
            self._live.update(drawn, refresh=not self._lines)
            if self._lines:
                self._console.print(self._console.spell("\n".join(self._lines)), soft_wrap=True)
                self._lines.clear()
        now_s = time.monotonic()
        self._draw_at_s = now_s + max(_DRAW_EVERY_S, (now_s - began_s) / _DRAWING_SHARE)

    def _left_s(self, now_s: float) -> float | None:
        """Return the time for the remaining windows, from that of the windows so far; ``None`` at first."""
        here = self._table.done - self._before
        return (now_s - self._began_s) / here * (self._plan.windows - self._table.done) if here else None

    def _line(self, cell: Cell) -> str:
        left_s = self._left_s(time.monotonic())
        left = "" if left_s is None else f", about {left_s:.0f} s left"
        if self._plan.precision is not None:
            left = f", {clock(time.monotonic() - self._began_s)}, {self._table.precision()}"
        most = "" if self._plan.precision is None else "at most "
        return f"{self._table.done} of {most}{self._plan.windows} windows{left}: {cell.name}"

    def _window_line(self, cell: Cell, seen: Seen | None) -> str:
        longest = max(len(one.name) for one in self._plan.cells)
        name = f"pass {self._table.pass_ + 1}  {cell.name:<{longest}}"
        if seen is None:
            return f"{name}  could not be measured"
        p99 = "–" if seen.p99_ns is None else f"{seen.p99_ns / 1e6:.3g}"
        return f"{name}  {rate(seen.throughput_rps):>9} req/s  p99 {p99:>5} ms  {' '.join(seen.codes)}".rstrip()


@contextlib.contextmanager
def _whole() -> Iterator[None]:
    """Defer Ctrl-C until the output is complete: Rich would write its first half again."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    caught: list[FrameType | None] = []
    previous = signal.signal(signal.SIGINT, lambda _, frame: caught.append(frame))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, previous)
        if caught and callable(previous):
            previous(signal.SIGINT, caught[0])
