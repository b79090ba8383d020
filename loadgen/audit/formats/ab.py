"""ApacheBench: what it prints."""

from __future__ import annotations

import re

from loadgen.audit.claim import Claim
from loadgen.audit.numerals import NUMBER, figure, find, integer

_MS = 1e-3


def is_ab(text: str) -> bool:
    """Return whether the text is ApacheBench's."""
    return "ApacheBench" in text or bool(find(r"^Concurrency Level:", text) and find(r"^Complete requests:", text))


def read_ab(text: str) -> Claim:
    """Read the text; its latencies include connecting, and are printed in whole ms."""
    total = find(rf"^Total:\s+({NUMBER})\s+({NUMBER})\s+({NUMBER})\s+({NUMBER})\s+({NUMBER})", text)
    taken = find(rf"^Time taken for tests:\s+({NUMBER}) seconds", text)
    rate = find(rf"^Requests per second:\s+({NUMBER})", text)
    percentiles = re.findall(r"^\s+(\d+)%\s+(\d+)", text, re.MULTILINE)
    errors = {
        "Failed requests": integer(r"^Failed requests:\s+(\d+)", text),
        "Non-2xx responses": integer(r"^Non-2xx responses:\s+(\d+)", text),
    }
    return Claim(
        tool="ab",
        requests=integer(r"^Complete requests:\s+(\d+)", text) or None,
        duration=figure(taken[1]) if taken else None,
        rate=figure(rate[1]) if rate else None,
        clients=integer(r"^Concurrency Level:\s+(\d+)", text) or None,
        mean=figure(total[2], _MS) if total else None,
        stdev=figure(total[3], _MS) if total else None,
        minimum=figure(total[1], _MS) if total else None,
        maximum=figure(total[5], _MS) if total else None,
        percentiles={float(p): figure(value, _MS) for p, value in percentiles if p != "100"},
        errors={kind: count for kind, count in errors.items() if count},
        errors_counted=True,
    )
