"""Where results go: standard output, and the files that were asked for."""

from __future__ import annotations

import contextlib
import errno
import os
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from loadgen.errors import GilbenchError

_NOBODY_READS = {errno.EPIPE, errno.EIO}  # a pipe, or a terminal, that was closed


class Outputs:
    """Takes results to where they were asked for; what fails is reported only when all others have been written."""

    def __init__(self) -> None:
        self.problems: list[GilbenchError] = []

    def show(self, text: str) -> None:
        """Print, whether or not anybody still reads."""
        try:
            print(text, flush=True)
        except OSError as exc:
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            if exc.errno not in _NOBODY_READS:
                self.problems.append(_unwritable("to standard output", exc))

    def write(self, name: str | None, content: Callable[[], str | bytes]) -> None:
        """Write what ``content`` returns to a file; nothing for no name, and for ``-``."""
        if name is None or name == "-":
            return
        try:
            made = content()
            Path(name).write_bytes(made if isinstance(made, bytes) else made.encode())
        except GilbenchError as exc:
            self.problems.append(exc)
        except OSError as exc:
            self.problems.append(_unwritable(name, exc))


@contextlib.contextmanager
def open_outputs(names: Iterable[str | None]) -> Iterator[Outputs]:
    """Make sure, before anything is measured, that what is to be written can be.

    Raises:
        GilbenchError: a file cannot be written; all others are written first.
    """
    for name in filter(None, names):
        if name != "-":
            try:
                Path(name).open("ab").close()
            except OSError as exc:
                raise _unwritable(name, exc) from exc
    outputs = Outputs()
    yield outputs
    if outputs.problems:
        raise outputs.problems[0]


def say(text: str) -> None:
    """Tell on standard error, if anybody is there."""
    with contextlib.suppress(OSError):
        print(text, file=sys.stderr, flush=True)


def let_go() -> None:
    """Give up what is still to be written and nobody reads: Python would try again at its end, and exit with 120."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def _unwritable(name: str, exc: OSError) -> GilbenchError:
    return GilbenchError(f"cannot write {name}: {exc.strerror}; make room, or choose another file")
