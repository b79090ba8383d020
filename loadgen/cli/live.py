"""The progress line on a terminal, written once per second."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator

from rich.console import Console
from rich.live import Live
from rich.text import Text

from loadgen.cli.summary import progress
from loadgen.interval import Interval

Show = Callable[[Interval], None]


@contextlib.contextmanager
def live_line(*, wanted: bool = True) -> Iterator[Show | None]:
    """Give what shows an interval, ``None`` where it is not wanted or standard error is no terminal."""
    console = Console(stderr=True, highlight=False)
    if not wanted or not console.is_terminal:
        yield None
        return
    with contextlib.ExitStack() as stack:
        live = stack.enter_context(Live(console=console, auto_refresh=False, transient=True))

        def show(interval: Interval) -> None:
            # A terminal may be closed meanwhile; the run goes on to what can be written.
            with contextlib.suppress(OSError):
                live.update(Text(progress(interval), no_wrap=True, overflow="ellipsis"), refresh=True)

        yield show
        with contextlib.suppress(OSError):
            stack.close()
