"""Outputs: standard output, and the files that were requested."""

from __future__ import annotations

import contextlib
import errno
import os
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from loadgen.errors import GilbenchError

_NOBODY_READS = {errno.EPIPE, errno.EIO}  # a closed pipe or terminal


class Outputs:
    """Writes results to the requested outputs; a failure is reported only after all others have been written."""

    def __init__(self) -> None:
        self.problems: list[GilbenchError] = []

    def show(self, text: str) -> None:
        """Print ``text``, even if nobody reads it any more."""
        try:
            print(text, flush=True)
        except OSError as exc:
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            if exc.errno not in _NOBODY_READS:
                self.problems.append(_unwritable("to standard output", exc))

    def write(self, name: str | None, content: Callable[[], str | bytes]) -> None:
        """Write the result of ``content`` to the file ``name``, to standard output for ``-``, nowhere for ``None``."""
        if name is None:
            return
        try:
            made = content()
            if name == "-":
                self.show(str(made).removesuffix("\n"))
                return
            Path(name).write_bytes(made if isinstance(made, bytes) else made.encode())
        except GilbenchError as exc:
            self.problems.append(exc)
        except OSError as exc:
            self.problems.append(_unwritable(name, exc))


@contextlib.contextmanager
def open_outputs(names: Iterable[str | None]) -> Iterator[Outputs]:
    """Check, before anything is measured, that all outputs can be written.

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
    """Print ``text`` on standard error, if it is still open."""
    with contextlib.suppress(OSError):
        print(text, file=sys.stderr, flush=True)


def let_go() -> None:
    """Discard output that nobody reads: Python would try again to write it at exit, and exit with 120."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def _unwritable(name: str, exc: OSError) -> GilbenchError:
    return GilbenchError(f"cannot write {name}: {exc.strerror}; free some space, or choose another file")
