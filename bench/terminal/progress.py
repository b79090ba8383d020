"""What is running, how far it is, how long it will take: live on a terminal, a line now and then elsewhere.

The harness is the instrument's process: whatever it computes while a window is measured competes with the server for
the CPUs. So nothing is drawn by a thread that refreshes when it likes, as Rich's own would, but only between two
windows, from the thread that measures, and so seldom that drawing takes no more than a hundredth of the time. It is
done before the load that goes before a window, so that a terminal on the same machine has drawn what it got before
anything counts.
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
        before: windows of a run that is resumed.
        verbosity: below 0 nothing is shown; above 0 each window has a line of its own.
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
        self._lines: list[str] = []  # what is to be printed above the table
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
        """Leave the terminal as it was: below the table's last state, or without it if all went well."""
        if self._live is None:
            return
        with _whole(), contextlib.suppress(OSError):
            self._draw(due=True)
            self._live.transient = kind is None  # the tables to come have all of it
            self._live.stop()

    def begin_pass(self, pass_: int, window_s: float) -> None:
        """Say that a pass begins and how long its windows are."""
        self._table.pass_, self._table.window_s = pass_, window_s
        if self._live is None and self._plan.precision is None:
            self._tell(f"pass {pass_ + 1} of {self._plan.passes}: windows of {window_s:.2f} s")

    def window(self, cell: Cell, pass_: int) -> None:
        """Say what is measured now."""
        self._table.now, self._table.pass_ = cell, pass_
        if self._live is not None:
            self._draw()
        elif time.monotonic() - self._told_s >= _LINE_EVERY_S:
            self._told_s = time.monotonic()
            self._tell(self._line(cell))

    def done(self, seen: Seen | None) -> None:
        """Count the window that was said to be measured, with what it showed; ``None``: it could not be measured."""
        self._table.done += 1
        if seen is not None:
            self._table.take(seen)
        elif self._table.now is not None:
            self._table.fail(self._table.now)
        if self._verbosity > 0 and self._table.now is not None:
            self._tell(self._window_line(self._table.now, seen))

    def visited(self, ratios: Mapping[Cell, Ratio | None]) -> None:
        """Say that the servers of a group are being ended, and what is known of their ratios to the baseline by now."""
        self._table.know(ratios)
        self._table.now = None
        self._draw()

    def _tell(self, line: str) -> None:
        if self._live is not None:
            self._lines.append(line)  # every line above the table draws it again
        elif self._verbosity >= 0:
            self._console.print(self._console.spell(line), soft_wrap=True)

    def _draw(self, *, due: bool = False) -> None:
        began_s = time.monotonic()
        if self._live is None or (began_s < self._draw_at_s and not due):
            return
        with _whole(), contextlib.suppress(OSError):  # the terminal was closed; the run goes on to what can be written
            drawn = self._table.drawn(self._console, began_s - self._began_s, self._left_s(began_s))
            self._live.update(drawn, refresh=not self._lines)
            if self._lines:
                self._console.print(self._console.spell("\n".join(self._lines)), soft_wrap=True)
                self._lines.clear()
        now_s = time.monotonic()
        self._draw_at_s = now_s + max(_DRAW_EVERY_S, (now_s - began_s) / _DRAWING_SHARE)

    def _left_s(self, now_s: float) -> float | None:
        """Return how long the windows that are left take if they take as long as those before; not known at first."""
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
    """Put Ctrl-C off until what is written is whole: Rich would write the first half of it once more."""
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
