"""The table of all studies."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from bench.interpreters.discovery import extremes
from bench.interpreters.interpreter import Interpreter
from bench.validate.studies import cpython_profiler, errors, load, profiles, ratios, servers, states, waits
from bench.validate.study import Gap, Study


def all_studies(found: Sequence[Interpreter]) -> Iterator[Study | Gap]:
    """Yield every study, the quickest first, and a gap for each that this machine cannot do.

    Args:
        found: every interpreter, newest first; the studies of servers run under the first with a GIL.
    """
    interpreters = extremes(found)
    plain = next(interpreter for interpreter in interpreters.values() if not interpreter.build.freethreaded)
    free = next((interpreter for interpreter in interpreters.values() if interpreter.build.freethreaded), None)
    yield from errors.studies()
    yield from load.studies()
    yield from waits.studies(interpreters)
    yield from cpython_profiler.studies(interpreters)
    yield from states.studies(plain, free)
    yield from profiles.studies(interpreters)
    yield from servers.studies(plain)
    yield from ratios.studies(plain)
    if free is None:
        yield Gap("free-threaded", "no free-threaded CPython was found")
