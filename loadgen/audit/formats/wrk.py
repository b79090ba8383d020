"""wrk and wrk2: what they print."""

from __future__ import annotations

import re

from loadgen.audit.claim import Claim
from loadgen.audit.numerals import NUMBER, TIME, figure, find, integer, time

_SOCKET_ERRORS = ("connect", "read", "write", "timeout")


def is_wrk(text: str) -> bool:
    """Return whether the text is wrk's or wrk2's."""
    return bool(find(r"^Running .* test @ ", text) and find(r"^\s+Thread Stats\s+Avg", text))


def read_wrk(text: str) -> Claim:
    """Read the text; timeouts are in wrk's requests, but not in its latencies."""
    stats = find(rf"^\s+Latency\s+({TIME}|-nan\S*)\s+({TIME}|-nan\S*)\s+({TIME})", text)
    whole = find(rf"^\s+(\d+) requests in ({TIME})", text)
    rate = find(rf"^Requests/sec:\s+({NUMBER})", text)
    corrected = "Recorded Latency" in text
    percentiles = re.findall(rf"^\s+({NUMBER})%\s+({TIME})\s*$", text.partition("Detailed Percentile")[0], re.MULTILINE)
    errors = {kind: integer(rf"Socket errors:.*{kind} (\d+)", text) for kind in _SOCKET_ERRORS}
    errors["Non-2xx or 3xx responses"] = integer(r"Non-2xx or 3xx responses: (\d+)", text)
    stated = stats and not any("nan" in part for part in stats.groups())
    return Claim(
        tool="wrk2" if corrected else "wrk",
        requests=int(whole[1]) if whole else None,
        duration=time(whole[2]) if whole else None,
        rate=figure(rate[1]) if rate else None,
        # wrk2's latencies begin when a request was due, so they contain more than its connections' time.
        clients=None if corrected else integer(r"and (\d+) connections", text) or None,
        mean=time(stats[1]) if stats and stated else None,
        stdev=time(stats[2]) if stats and stated else None,
        maximum=time(stats[3]) if stats and stated else None,
        percentiles={float(percent): time(value) for percent, value in percentiles},
        errors={kind: count for kind, count in errors.items() if count},
        errors_counted=True,
    )
