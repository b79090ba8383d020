"""``gilbench watch``: show where the time of a running process goes, live, by thread."""

from __future__ import annotations

import argparse
import contextlib
import enum
import json
import math
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import reduce
from operator import add
from typing import Final

from rich.console import RenderableType
from rich.live import Live

from bench.errors import GilbenchError
from bench.live import screen
from bench.live.breakdown import Breakdown, break_down
from bench.live.interval import Interval
from bench.live.snapshots import py_spy
from bench.live.watched import Watched
from bench.terminal.console import Terminal
from loadgen.cli.command_line import Parser, run_command
from loadgen.cli.exit_codes import DONE, FAILED
from loadgen.duration import duration_s

REFRESH_S: Final = 1.0
SHORTEST_S: Final = 0.1


class End(enum.Enum):
    """Why watching ended."""

    OVER = "the time is over"
    ENDED = "the process has ended"
    STOPPED = "Ctrl-C"


_UNSEEN: Final = {
    End.OVER: "no thread of process {pid} was sampled: watch for longer with --for",
    End.ENDED: "process {pid} ended before it was watched for {step_s:.1g} s: start watching earlier",
    End.STOPPED: "no thread of process {pid} was sampled before Ctrl-C: watch for longer",
}


class _Reel:
    """The last intervals, and the sum of all."""

    def __init__(self, length: int) -> None:
        self._last: deque[Interval] = deque(maxlen=length)
        self.whole: Interval | None = None

    def add(self, interval: Interval | None) -> None:
        if interval is not None:
            self._last.append(interval)
            self.whole = interval if self.whole is None else self.whole + interval

    @property
    def recent(self) -> Interval | None:
        return reduce(add, self._last) if self._last else None


def main(words: Sequence[str] | None = None) -> int:
    """Watch until the time is up, the process ends or Ctrl-C is pressed, and return the exit code."""
    return run_command(parser(), _run, words)


def parser() -> Parser:
    """Return the parser of the command line."""
    made = Parser(
        prog="gilbench watch",
        description="Show where the time of a running Python process goes, live, with a row for each thread.",
        examples=[
            ("gilbench watch PID", "until Ctrl-C, with the frames of its threads if py-spy is installed"),
            ("gilbench watch PID --for 10s --json", "for a script"),
        ],
        exits={FAILED: "the process cannot be watched"},
    )
    made.add_argument("pid", type=int, metavar="PID", help="process ID; child processes are watched as well")
    made.add_argument(
        "--for",
        dest="duration",
        type=duration_s,
        metavar="TIME",
        help="how long to watch (default: until Ctrl-C or its end)",
    )
    made.add_argument(
        "--window", type=duration_s, default=2.0, metavar="TIME", help="interval that figures cover (default: 2s)"
    )
    made.add_argument("--json", action="store_true", help="print JSON over the whole time at the end")
    made.add_argument(
        "--no-py-spy", action="store_true", help="do not sample Python frames, which distinguish a lock from a queue"
    )
    return made


def _run(options: argparse.Namespace) -> int:
    with contextlib.suppress(KeyboardInterrupt):
        _watch(options, Terminal())
    return DONE


@dataclass(frozen=True, slots=True)
class _View:
    """What is shown of a watched process."""

    watched: Watched
    reel: _Reel
    console: Terminal
    frames: bool

    def render(self, interval: Interval) -> RenderableType:
        found = break_down(interval, self.watched.name)
        notes = _notes(self.watched, found, wanted=self.frames)
        return screen.table(found, _about(self.watched), notes, self.console)

    def recent(self) -> RenderableType | None:
        """Return the last intervals as a table, or why there is none; ``None``: nothing has been seen."""
        if self.reel.recent is not None:
            return self.render(self.reel.recent)
        halted = "\n".join(self.watched.halted.values())
        return self.console.spell(halted, "dim") if halted else None


def _watch(options: argparse.Namespace, console: Terminal) -> None:
    program = None if options.no_py_spy else py_spy()
    alive = console.is_terminal and not options.json
    step_s = max(
        SHORTEST_S, min(REFRESH_S, options.window) if alive or options.duration is not None else options.window
    )
    reel = _Reel(max(1, round(options.window / step_s)))
    with Watched(options.pid, program) as watched:
        view = _View(watched, reel, console, not options.no_py_spy)
        with _display(console, alive=alive, lines=not options.json and options.duration is None) as show:
            if alive:
                show(console.spell(f"process {options.pid}: sampling …", "dim"))
            end = _follow(view, step_s, options.duration, show)
            if reel.whole is None and end is End.STOPPED:
                reel.add(watched.next())
            whole = _require_seen(view, end, step_s)
            if alive and options.duration is not None:
                show(view.render(whole))
        if options.json:
            texts = screen.breakdown_to_dict(break_down(whole, watched.name), options.pid, watched.python)
            sys.stdout.write(json.dumps(texts, indent=1) + "\n")
        elif not alive and options.duration is not None:
            console.print(view.render(whole))
    if end is End.ENDED:
        (Terminal(sys.stderr) if options.json else console).print(f"process {options.pid} has ended")


def _require_seen(view: _View, end: End, step_s: float) -> Interval:
    """Return all intervals together.

    Raises:
        GilbenchError: no thread was seen; the message says why.
    """
    if view.reel.whole is None:
        for sentence in view.watched.halted.values():
            raise GilbenchError(sentence)
        raise GilbenchError(_UNSEEN[end].format(pid=view.watched.pid, step_s=step_s))
    return view.reel.whole


@contextlib.contextmanager
def _display(console: Terminal, *, alive: bool, lines: bool) -> Iterator[Callable[[RenderableType], None]]:
    """Yield what shows a breakdown: in place of the last one on a terminal, below it elsewhere, or nowhere."""
    if alive:
        with Live(console=console, auto_refresh=False, vertical_overflow="crop") as live:
            yield lambda render: live.update(render, refresh=True)
    elif lines:
        yield lambda render: console.print(render, end="\n\n")
    else:
        yield lambda _shown: None


def _follow(view: _View, step_s: float, duration_s: float | None, show: Callable[[RenderableType], None]) -> End:
    due_s = time.monotonic()
    until_s = math.inf if duration_s is None else due_s + duration_s
    try:
        while due_s < until_s:
            due_s = min(due_s + step_s, until_s)
            if not view.watched.wait(due_s - time.monotonic()):
                return End.ENDED
            view.reel.add(view.watched.next())
            recent = view.recent()
            if recent is not None:
                show(recent)
    except KeyboardInterrupt:
        return End.STOPPED
    return End.OVER


def _about(watched: Watched) -> list[str]:
    return [f"process {watched.pid}", f"CPython {watched.python}" if watched.python else "not CPython"]


def _notes(watched: Watched, found: Breakdown, *, wanted: bool) -> list[str]:
    """Return what the figures do not say by themselves."""
    notes = [f"{sentence}; its threads are left out" for sentence in watched.halted.values()]
    if watched.python is None:
        notes.append(f"process {watched.pid} is not a CPython process: its time is shown without GIL wait")
    if found.total.lock_or_queue:
        notes.append(f"?: lock or queue, {_why_unclear(watched, wanted=wanted)}")
    return notes


def _why_unclear(watched: Watched, *, wanted: bool) -> str:
    if not wanted:
        return "distinguished by py-spy only"
    if watched.snapshots is None:
        return "distinguished by py-spy only, which is not installed here: pip install py-spy"
    for pid, reason in watched.snapshots.refused.items():
        return f"since py-spy cannot read process {pid}: {reason}"
    return "since their frames allow both, or py-spy sampled them too rarely"
