"""h2load: what it prints."""

from __future__ import annotations

from loadgen.audit.claim import Claim
from loadgen.audit.numerals import NUMBER, TIME, figure, find, integer, time


def is_h2load(text: str) -> bool:
    """Return whether the text is h2load's."""
    return bool(find(r"^finished in ", text) and find(r"^time for request:", text))


def read_h2load(text: str) -> Claim:
    """Read the text; with several streams in flight on a connection, clients are not known."""
    whole = find(rf"^finished in ({TIME}), ({NUMBER}) req/s", text)
    times = find(rf"^time for request:\s+({TIME})\s+({TIME})\s+({TIME})\s+({TIME})", text)
    counts = {kind: integer(rf"^requests:.* (\d+) {kind}", text) for kind in ("failed", "errored", "timeout")}
    errors = {kind: count for kind, count in counts.items() if count}
    errors |= {f"{n}xx": count for n in (4, 5) if (count := integer(rf"^status codes:.* (\d+) {n}xx", text))}
    single = find(r"^Application protocol: http/1\.1", text)
    return Claim(
        tool="h2load",
        requests=integer(r"^requests:.* (\d+) done", text) or None,
        duration=time(whole[1]) if whole else None,
        rate=figure(whole[2]) if whole else None,
        clients=(integer(r": (\d+) total client", text) or None) if single else None,
        minimum=time(times[1]) if times else None,
        maximum=time(times[2]) if times else None,
        mean=time(times[3]) if times else None,
        stdev=time(times[4]) if times else None,
        errors=errors,
        errors_counted=True,
    )
