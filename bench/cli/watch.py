"""``gilbench watch``: where the time of a running process goes, live, thread by thread."""

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
from functools import reduce
from operator import add
from typing import Final

from rich.console import Console, RenderableType
from rich.live import Live
from rich.text import Text

from bench.errors import GilbenchError
from bench.live import screen
from bench.live.breakdown import Breakdown, break_down
from bench.live.interval import Interval
from bench.live.snapshots import py_spy
from bench.live.watched import Watched
from loadgen.cli.command_line import Parser, run_command
from loadgen.cli.exit_codes import DONE, FAILED
from loadgen.duration import duration_s

REFRESH_S: Final = 1.0
SHORTEST_S: Final = 0.1


class End(enum.Enum):
    """Why one watches no more."""

    OVER = "the time is over"
    ENDED = "the process has ended"
    STOPPED = "Ctrl-C"


_UNSEEN: Final = {
    End.OVER: "no thread of process {pid} was seen: watch for longer with --for",
    End.ENDED: "process {pid} ended before it was watched for {step_s:.1g} s: watch it earlier",
    End.STOPPED: "no thread of process {pid} was seen by then: watch for longer",
}


class _Reel:
    """The last intervals, and all of them together."""

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
    """Watch until the time is over, the process ends or Ctrl-C, and return the exit code."""
    return run_command(parser(), _run, words)


def parser() -> Parser:
    """Return the parser of the command line."""
    made = Parser(
        prog="gilbench watch",
        description="Show where the time of a running Python process goes, live, a row for each thread.",
        examples=[
            ("gilbench watch PID", "until Ctrl-C, with the frames of its threads, by py-spy"),
            ("gilbench watch PID --for 10s --json", "for a script"),
        ],
        exits={FAILED: "the process cannot be watched"},
    )
    made.add_argument("pid", type=int, metavar="PID", help="of the process; its children are watched as well")
    made.add_argument(
        "--for", dest="duration", type=duration_s, metavar="TIME", help="how long (default: until Ctrl-C, or its end)"
    )
    made.add_argument(
        "--window", type=duration_s, default=2.0, metavar="TIME", help="figures are over so long (default: 2s)"
    )
    made.add_argument("--json", action="store_true", help="as JSON, over all the time, when it is over")
    made.add_argument(
        "--no-py-spy", action="store_true", help="do without Python frames, which tell a lock from a queue"
    )
    return made


def _run(options: argparse.Namespace) -> int:
    with contextlib.suppress(KeyboardInterrupt):
        _watch(options, Console(highlight=False))
    return DONE


def _watch(options: argparse.Namespace, console: Console) -> None:
    program = None if options.no_py_spy else py_spy()
    alive = console.is_terminal and not options.json
    step_s = max(
        SHORTEST_S, min(REFRESH_S, options.window) if alive or options.duration is not None else options.window
    )
    reel = _Reel(max(1, round(options.window / step_s)))
    with Watched(options.pid, program) as watched:

        def render(interval: Interval) -> RenderableType:
            found = break_down(interval, watched.name)
            return screen.table(found, _about(watched), _notes(watched, found, wanted=not options.no_py_spy), console)

        with _display(console, alive=alive, lines=not options.json and options.duration is None) as show:
            if alive:
                show(Text(f"process {options.pid}: sampling …", style="dim"))
            end = _follow(watched, reel, step_s, options.duration, lambda interval: show(render(interval)))
            if reel.whole is None and end is End.STOPPED:
                reel.add(watched.next())
            if reel.whole is None:
                raise GilbenchError(_UNSEEN[end].format(pid=options.pid, step_s=step_s))
            if alive and options.duration is not None:
                show(render(reel.whole))
        if options.json:
            texts = screen.breakdown_to_dict(break_down(reel.whole, watched.name), options.pid, watched.python)
            sys.stdout.write(json.dumps(texts, indent=1) + "\n")
        elif not alive and options.duration is not None:
            console.print(render(reel.whole))
    if end is End.ENDED:
        (Console(stderr=True, highlight=False) if options.json else console).print(f"process {options.pid} has ended")


@contextlib.contextmanager
def _display(console: Console, *, alive: bool, lines: bool) -> Iterator[Callable[[RenderableType], None]]:
    """Yield what shows a breakdown: in place of the last one on a terminal, below it elsewhere, or nowhere."""
    if alive:
        with Live(console=console, auto_refresh=False, vertical_overflow="crop") as live:
            yield lambda render: live.update(render, refresh=True)
    elif lines:
        yield lambda render: console.print(render, end="\n\n")
    else:
        yield lambda _shown: None


def _follow(
    watched: Watched, reel: _Reel, step_s: float, duration_s: float | None, show: Callable[[Interval], None]
) -> End:
    due_s = time.monotonic()
    until_s = math.inf if duration_s is None else due_s + duration_s
    try:
        while due_s < until_s:
            due_s = min(due_s + step_s, until_s)
            if not watched.wait(due_s - time.monotonic()):
                return End.ENDED
            reel.add(watched.next())
            if reel.recent is not None:
                show(reel.recent)
    except KeyboardInterrupt:
        return End.STOPPED
    return End.OVER


def _about(watched: Watched) -> list[str]:
    return [f"process {watched.pid}", f"CPython {watched.python}" if watched.python else "no CPython"]


def _notes(watched: Watched, found: Breakdown, *, wanted: bool) -> list[str]:
    """Return what the figures do not say by themselves."""
    notes = []
    if watched.python is None:
        notes.append(f"process {watched.pid} is not a CPython: its time is shown without GIL wait")
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
    return "by their frames they may be either, or py-spy has met them too seldom"
