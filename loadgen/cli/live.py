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
    """Yield a function that shows an interval, or ``None`` if not ``wanted`` or if standard error is not a terminal."""
    console = Console(stderr=True, highlight=False)
    if not wanted or not console.is_terminal:
        yield None
        return
    with contextlib.ExitStack() as stack:
        live = stack.enter_context(Live(console=console, auto_refresh=False, transient=True))

        def show(interval: Interval) -> None:
            # The terminal may be closed meanwhile; the run continues and writes its files.
            with contextlib.suppress(OSError):
                live.update(Text(progress(interval), no_wrap=True, overflow="ellipsis"), refresh=True)

        yield show
        with contextlib.suppress(OSError):
            stack.close()
