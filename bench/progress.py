"""What is running, how far it is, how long it will take: live on a terminal, a line now and then elsewhere."""

from __future__ import annotations

import time
from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TaskID, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.progress import Progress as Bar

from bench.plan import Cell

_LINE_EVERY_S = 10.0


class Progress:
    """Progress of a run of so many windows; a context manager."""

    def __init__(self, console: Console, windows: int, passes: int) -> None:
        self._console = console
        self._windows = windows
        self._passes = passes
        self._done = 0
        self._began_s = self._told_s = time.monotonic()
        self._bar = Bar(
            TextColumn("{task.description:<33}"),
            BarColumn(bar_width=None),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("+"),
            TimeRemainingColumn(),
            TextColumn("left"),
            console=console,
            disable=not console.is_terminal,
            refresh_per_second=4,
        )
        self._task: TaskID = self._bar.add_task("starting", total=windows)

    def __enter__(self) -> Progress:
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.stop()

    def begin_pass(self, pass_: int, window_s: float) -> None:
        """Say that a pass begins and how long its windows are."""
        self._console.print(f"pass {pass_ + 1} of {self._passes}: windows of {window_s:.2f} s", highlight=False)

    def window(self, cell: Cell, pass_: int) -> None:
        """Say what is measured now."""
        self._bar.update(self._task, description=f"{cell.name} · pass {pass_ + 1}")
        now_s = time.monotonic()
        if not self._console.is_terminal and now_s - self._told_s >= _LINE_EVERY_S:
            self._told_s = now_s
            left_s = (now_s - self._began_s) / max(1, self._done) * (self._windows - self._done)
            self._console.print(
                f"{self._done} of {self._windows} windows, about {left_s:.0f} s left: {cell.name}", highlight=False
            )

    def done(self) -> None:
        """Count a window."""
        self._done += 1
        self._bar.advance(self._task)
