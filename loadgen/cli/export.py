"""Results for other programs: JSON, CSV with a row per interval, and HdrHistogram's interval log."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any, Final

from loadgen.capacity import Capacity
from loadgen.histograms.histogram import Histogram
from loadgen.result import CONNECT_PERCENTILES, LATENCY_PERCENTILES, LoadResult, summary
from loadgen.validation.checks import assess, warnings

_LATENESS: Final = {"p50": 50.0, "p99": 99.0, "p999": 99.9}


def to_dict(result: LoadResult, percentiles: Mapping[str, float] = LATENCY_PERCENTILES) -> dict[str, Any]:
    """Return the result as the JSON object of the command line, with these percentiles by name."""
    load = result.load
    scheduled = bool(load.schedule)
    return {
        "requests": result.requests,
        "errors": result.errors,
        "connect_errors": result.connect_errors,
        "statuses": result.statuses,
        "status_codes": result.status_codes,
        "wall_s": result.wall_s,
        "throughput_rps": result.throughput_rps,
        "latency_ns": summary(result.latency, percentiles, ends=True),
        "latency_interval_ns": intervals(result.latency, percentiles),
        "latency_censored": {"requests": result.censored, "from_ns": result.censored_from_ns},
        "service_ns": summary(result.service, percentiles, ends=True),
        "connect_ns": summary(result.connect, CONNECT_PERCENTILES),
        "handshake_ns": summary(result.handshake, CONNECT_PERCENTILES) if load.tls else None,
        "handshake_error": result.handshake_error,
        "resumed": result.resumed if load.tls else None,
        "sent_bytes": result.sent_bytes,
        "received_bytes": result.received_bytes,
        "sent_bytes_per_s": result.sent_bytes / result.wall_s if result.wall_s else None,
        "received_bytes_per_s": result.received_bytes / result.wall_s if result.wall_s else None,
        "cpu_s": result.cpu_s,
        "utilisation": result.utilisation,
        "engines": [{"cpu_s": engine.cpu_s, "utilisation": engine.utilisation} for engine in result.engines],
        "connections": load.connections,
        "connected": result.connected,
        "connections_used": result.connections_used,
        "connections_opened": result.connections_opened,
        "reconnections": result.reconnections,
        "threads": load.threads,
        "protocol": load.spoken.name,
        "loop": load.loop,
        "arrivals": load.arrivals if scheduled else None,
        "requests_per_connection": load.requests_per_connection,
        "intended_rps": load.intended_rps,
        "late_sends": result.late_sends if scheduled else None,
        "lateness_ns": summary(result.lateness, _LATENESS) if scheduled else None,
        "server": _server(result),
        "unfinished": result.unfinished,
        "due": result.due,
        "in_flight_before": result.in_flight_before,
        "in_flight_after": result.in_flight_after,
        "oldest_unfinished_s": result.oldest_unfinished_s,
        "cancelled": result.cancelled,
        "belief": assess(result),
        "warnings": warnings(result),
    }


def capacity_to_dict(found: Capacity, percentiles: Mapping[str, float] = LATENCY_PERCENTILES) -> dict[str, Any]:
    """Return the result of a search as the JSON object of the command line."""
    return {
        "objectives": [objective.text for objective in found.objectives],
        "holds_rps": found.holds_rps,
        "fails_rps": found.fails_rps,
        "bracketed": found.is_bracketed,
        "steps": [
            {"rate_rps": step.rate_rps, "holds": step.holds, **to_dict(step.result, percentiles)}
            for step in found.steps
        ],
    }


def _server(result: LoadResult) -> dict[str, Any] | None:
    server = result.host_metrics.server if result.host_metrics else None
    if server is None:
        return None
    return {
        **asdict(server),
        "cores": server.cores,
        "cpu_us_per_request": None if server.cpu_s_per_request is None else server.cpu_s_per_request * 1e6,
        "growth_bytes_per_request": server.rss_growth_bytes / server.requests if server.requests else None,
    }


def intervals(times: Histogram, percentiles: Mapping[str, float]) -> dict[str, tuple[int | None, int | None]]:
    """Return each percentile's 95% confidence interval, with ``None`` for an end that the sample does not reach."""
    return {name: times.percentile_interval_ns(percent) for name, percent in percentiles.items()}


def to_csv(result: LoadResult, percentiles: Mapping[str, float] = LATENCY_PERCENTILES) -> str:
    """Return a row for each interval, with times in ns and a column for each kind of error that occurred."""
    kinds = sorted({kind for interval in result.intervals for kind in interval.errors})
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    columns = [f"{what}_{name}_ns" for what in ("latency", "service") for name in (*percentiles, "max")]
    counted = ["at_s", "seconds", "requests", "throughput_rps", "connections"]
    writer.writerow([*counted, *columns, *(f"errors_{kind}" for kind in kinds)])
    for one in result.intervals:
        times = [summary(each.decompress(), percentiles) for each in (one.latency, one.service)]
        figures = [one_time[name] for one_time in times for name in (*percentiles, "max")]
        writer.writerow(
            [
                *(f"{one.at_s:.6f}", f"{one.seconds:.6f}", one.requests, f"{one.throughput_rps:.3f}", one.connections),
                *("" if figure is None else figure for figure in figures),
                *(one.errors.get(kind, 0) for kind in kinds),
            ]
        )
    return text.getvalue()


def to_hdr_log(result: LoadResult, began_at_s: float) -> str:
    """Return HdrHistogram's interval log, version 1.3: latency untagged, service time tagged ``service``.

    Args:
        result: the result whose intervals to write.
        began_at_s: when the window began, in seconds since the epoch.

    Source: HdrHistogram's ``HistogramLogWriter``. The column of maxima is in ms, as its tools expect.
    """
    moment = datetime.fromtimestamp(began_at_s, UTC)
    lines = [
        "#[Histogram log format version 1.3]",
        f"#[StartTime: {began_at_s:.3f} (seconds since epoch), {moment:%a %b %d %H:%M:%S UTC %Y}]",
        f"#[BaseTime: {began_at_s:.3f} (seconds since epoch)]",
        '"StartTimestamp","Interval_Length","Interval_Max","Interval_Compressed_Histogram"',
    ]
    for one in result.intervals:
        for tag, times in (("", one.latency), ("Tag=service,", one.service)):
            most_ms = (times.max_ns or 0) / 1e6
            lines.append(f"{tag}{one.at_s:.3f},{one.seconds:.3f},{most_ms:.3f},{times.decompress().encode()}")
    return "\n".join(lines) + "\n"
