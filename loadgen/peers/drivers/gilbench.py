"""gilbench's own engine, used as a library."""

from __future__ import annotations

import time

from loadgen.execution import run
from loadgen.load import Load, Tls
from loadgen.peers.drivers.report import HOST, REQUEST, WARMUP_S, Report, tell
from loadgen.protocols import http_protocol


def drive(port: int, connections: int, seconds: float, rate_rps: float | None, *, secure: bool = False) -> Report:
    """Run a load and return its report; the process's CPU time includes the thread that collects."""
    edges_s: list[float] = []
    result = run(
        Load(
            host=HOST,
            port=port,
            protocol=http_protocol((REQUEST,)),
            connections=connections,
            duration_s=seconds,
            warmup_s=WARMUP_S,
            rate_rps=rate_rps,
            tls=Tls(verify=False) if secure else None,
        ),
        on_begin=lambda: edges_s.append(time.process_time()),
        on_end=lambda: edges_s.append(time.process_time()),
    )
    failed = {kind: number for kind, number in result.errors.items() if kind != "late"}
    if failed:
        raise SystemExit(f"requests failed: {failed}")
    p50_ns, p99_ns = (result.latency.percentile_ns(percent) for percent in (50, 99))
    return Report(result.requests, result.wall_s, edges_s[1] - edges_s[0], p50_ns, p99_ns, result.errors.get("late", 0))


if __name__ == "__main__":
    tell(drive)
