"""The table of all studies."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from bench.interpreters.targets import Target, extremes
from bench.validate.studies import errors, load, profiles, ratios, servers, states, waits
from bench.validate.study import Gap, Study


def all_studies(found: Sequence[Target]) -> Iterator[Study | Gap]:
    """Yield every study, the quickest first, and what this machine cannot do.

    Args:
        found: every interpreter, newest first; the studies of servers run under the first with a GIL.
    """
    targets = extremes(found)
    plain = next(target for target in targets.values() if not target.build["freethreaded"])
    free = next((target for target in targets.values() if target.build["freethreaded"]), None)
    yield from errors.studies()
    yield from load.studies()
    yield from waits.studies(targets)
    yield from states.studies(plain, free)
    yield from profiles.studies(targets)
    yield from servers.studies(plain)
    yield from ratios.studies(plain)
    if free is None:
        yield Gap("free-threaded", "no free-threaded CPython was found")
