"""The report of a generator on one run."""

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
    """The result of one run.

    Attributes:
        requests: requests answered in the window.
        wall_s: length of the window.
        cpu_s: CPU time of all threads of the generator in the window; for wrk, which does not report when its window
            begins, from start to end.
        p50_ns: median latency as the generator reports it; ``None`` if it reports none.
        p99_ns: 99th percentile likewise.
        late: requests that it sent late through its own fault, as it reports; they are in the percentiles.
    """

    requests: int
    wall_s: float
    cpu_s: float
    p50_ns: float | None = None
    p99_ns: float | None = None
    late: int = 0


def nearest_rank(values: Sequence[float], percent: float) -> float | None:
    """Return the value that ``percent`` of the sorted ``values`` do not exceed."""
    return values[max(0, math.ceil(len(values) * percent / 100) - 1)] if values else None


def tell(drive: Callable[..., Report]) -> None:
    """Run a generator with the arguments of the command line and print its report."""
    port, connections, seconds, *rate = sys.argv[1:]
    secure = {"secure": True} if port.startswith("s") else {}
    report = drive(
        int(port.removeprefix("s")), int(connections), float(seconds), float(rate[0]) if rate else None, **secure
    )
    sys.stdout.write(json.dumps(report._asdict()) + "\n")
