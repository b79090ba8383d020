"""What a generator says of one run."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Callable, Sequence
from typing import NamedTuple

HOST = "127.0.0.1"
WARMUP_S = 0.3
REQUEST = b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"


class Report(NamedTuple):
    """What one run came to.

    Attributes:
        requests: answered in the window.
        wall_s: length of the window.
        cpu_s: CPU time of the whole generator, all of its threads, in the window; wrk's, which does not tell when its
            window begins, from start to end.
        p50_ns: median latency as the generator reports it; ``None`` if it reports none.
        p99_ns: 99th percentile likewise.
    """

    requests: int
    wall_s: float
    cpu_s: float
    p50_ns: float | None = None
    p99_ns: float | None = None


def nearest_rank(values: Sequence[float], percent: float) -> float | None:
    """Return the value of ``values``, sorted, that ``percent`` of them do not exceed."""
    return values[max(0, math.ceil(len(values) * percent / 100) - 1)] if values else None


def tell(drive: Callable[[int, int, float, float | None], Report]) -> None:
    """Run a generator as the command line says, and print its report."""
    port, connections, seconds, *rate = sys.argv[1:]
    report = drive(int(port), int(connections), float(seconds), float(rate[0]) if rate else None)
    sys.stdout.write(json.dumps(report._asdict()) + "\n")
