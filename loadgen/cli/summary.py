"""The summary of a result for a terminal, in at most 80 columns."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Iterator, Mapping
from typing import Any, Final

import numpy as np

from loadgen.capacity import Capacity, Step
from loadgen.histograms.histogram import Histogram, highest_in_bucket
from loadgen.interval import Interval
from loadgen.result import LATENCY_PERCENTILES, LoadResult
from loadgen.validation.checks import warnings
from loadgen.validation.warning_codes import WARNING_CODES

COLUMNS: Final = 80
BARS: Final = 12
BAR_WIDTH: Final = 40


_NO_BREAK: Final = "\N{NO-BREAK SPACE}"


def clients(count: int) -> str:
    return "1 client" if count == 1 else f"{count} clients"


def render(result: LoadResult, percentiles: Mapping[str, float] = LATENCY_PERCENTILES) -> str:
    """Return the summary, with these percentiles by name."""
    lines = [
        _heading(result),
        "",
        f"throughput  {result.throughput_rps:>12,.1f} requests/s   {result.requests:,} in {result.wall_s:.3f} s",
        *_table(result, percentiles),
        *(f"{name:<12}{text}" for name, text in _figures(result)),
        *_bars(result.latency),
    ]
    lines += [f"warning: {wording(warning)}" for warning in warnings(result)]
    return "\n".join(map(_wrap, lines))


def _heading(result: LoadResult) -> str:
    load = result.load
    lasting = (
        "keep-alive"
        if load.requests_per_connection is None
        else f"{load.requests_per_connection} requests per connection"
    )
    shown = "closed loop" if load.intended_rps is None else f"open loop, {load.arrivals} {rate(load.intended_rps)}/s"
    many = clients(load.connections)
    if load.initial_connections is not None:
        many = f"connections as needed ({result.connections_used:,} of at most {load.connections:,})"
    thinking = f", thinking for {_time(load.think_s * 1e9)}" if load.think_s else ""
    return f"{load.where}  protocol {load.spoken.name}  {shown}, {many}, {lasting}{thinking}"


def _figures(result: LoadResult) -> Iterator[tuple[str, str]]:
    """Yield the other figures, each with its name."""
    yield "connect", _times(result.connect)
    if result.handshake.total:
        yield "handshake", f"{_times(result.handshake)}  resumed {result.resumed:,}"
    if result.connections_opened:
        again = f", {result.reconnections:,} since the server closed one" if result.reconnections else ""
        yield "opened", f"{result.connections_opened:,} connections in the window{again}"
    if result.wall_s:
        sent, received = (_bytes(count / result.wall_s) for count in (result.sent_bytes, result.received_bytes))
        yield "data", f"{received}/s received   {sent}/s sent"
    yield "generator", f"{result.utilisation:>12.1%} busy         {result.cpu_s:.3f} s of CPU"
    server = result.host_metrics.server if result.host_metrics else None
    if server and server.cpu_s_per_request is not None:
        memory = f"{server.peak_rss_bytes / 2**20:,.0f} MiB"
        cpu = f"{server.cpu_s_per_request * 1e6:>9,.1f} µs of CPU per request   {server.cores:.2f} cores"
        yield "server", f"{cpu}   {memory}"
    for name, counts in (
        ("status", result.status_codes),
        ("errors", result.errors),
        ("connecting", result.connect_errors),
    ):
        if counts:
            yield name, "  ".join(f"{key} {count:,}" for key, count in sorted(counts.items()))
    if result.handshake_error:
        yield "TLS", result.handshake_error
    if result.unfinished:
        shown = f"{result.unfinished - result.due:,} in flight at the end"
        if result.due:
            shown += f", {result.due:,} never sent"
        yield "unfinished", f"{shown}, the oldest for {_time(result.oldest_unfinished_s * 1e9)}"


def render_step(step: Step) -> str:
    """Return the line for one step of a search."""
    p50, p99 = (_time(step.result.latency.percentile_ns(percent)) for percent in (50, 99))
    verdict = "holds" if step.holds else "does not hold"
    return f"{rate(step.rate_rps):>12}/s  p50 {p50:>8}  p99 {p99:>8}  errors {step.result.failed:,}  {verdict}".replace(
        _NO_BREAK, " "
    )


def render_capacity(found: Capacity) -> str:
    """Return the result of a search in a sentence."""
    wanted = " and ".join(objective.text for objective in found.objectives)
    if found.holds_rps is None:
        return f"capacity: {wanted} held at none of the rates tried"
    if found.fails_rps is None:
        return f"capacity: {wanted} held at every rate tried, up to {rate(found.holds_rps)}/s"
    return f"capacity: {wanted} holds at {rate(found.holds_rps)}/s and no longer at {rate(found.fails_rps)}/s"


def rate(per_s: float) -> str:
    """Return a rate with four significant digits, and no fewer than its whole part."""
    digits = max(0, 3 - math.floor(math.log10(per_s))) if per_s > 0 else 0
    shown = f"{per_s:,.{digits}f}"
    return shown.rstrip("0").rstrip(".") if "." in shown else shown


def _bytes(count: float) -> str:
    unit, size = next((row for row in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)) if count >= row[1]), ("B", 1.0))
    return f"{count / size:.3g}{_NO_BREAK}{unit}"


def progress(interval: Interval) -> str:
    """Return the progress line for an interval."""
    latency = interval.latency.decompress()
    p50, p99 = (_time(latency.percentile_ns(percent)) for percent in (50, 99))
    failed = sum(interval.errors.values())
    return (
        f"{interval.at_s + interval.seconds:5.0f} s  {interval.throughput_rps:>10,.0f} requests/s  p50 {p50:>8}  "
        f"p99 {p99:>8}  errors {failed:,}  connections {interval.connections:,}"
    ).replace(_NO_BREAK, " ")


def wording(warning: dict[str, Any]) -> str:
    """Return the sentence for a warning."""
    shown = dict(warning)
    if "kinds" in shown:
        shown["kinds"] = ", ".join(f"{count:,} {kind}" for kind, count in shown["kinds"].items())
    _, says, remedy = WARNING_CODES[warning["code"]]
    return f"{says}{'; ' if ': ' in says else ': '}{remedy}".format(**shown)


def _table(result: LoadResult, percentiles: Mapping[str, float]) -> list[str]:
    """Return the percentiles with their intervals; in the open loop those of the service time next to them."""
    opened = bool(result.load.schedule)
    rows = [f"{'':12}{'latency':>12}  {'95% interval':<20}" + (f"{'service':>12}" if opened else "")]
    if not result.latency.total:
        return ["latency     none"]
    for name, percent in percentiles.items():
        value = result.latency.percentile_ns(percent)
        low, high = result.latency.percentile_interval_ns(percent)
        mark = ">" if result.is_lower_bound(value) else ""
        between = f"{_time(low)} – {_time(high)}" if low and high else "too few requests"
        rows.append(f"{'  ' + name:12}{mark + _time(value):>12}  {between:<20}")
        rows[-1] += f"{_time(result.service.percentile_ns(percent)):>12}" if opened else ""
    ends = {
        "mean": (result.latency.mean_ns, result.service.mean_ns),
        "max": (result.latency.max_ns, result.service.max_ns),
    }
    for name, (latency_ns, service_ns) in ends.items():
        mark = ">" if result.is_lower_bound(latency_ns) else ""
        rows.append(f"{'  ' + name:12}{mark + _time(latency_ns):>12}  {'':20}")
        rows[-1] += f"{_time(service_ns):>12}" if opened else ""
    return [row.rstrip() for row in rows]


def _bars(times: Histogram) -> list[str]:
    """Return a small histogram with equal steps on a log scale."""
    if times.min_ns is None or times.max_ns is None or times.total < 2 * BARS:
        return []
    edges = np.geomspace(max(times.min_ns, 1), times.max_ns + 1, BARS + 1)
    filled = np.flatnonzero(times.counts)
    tops = np.array([highest_in_bucket(int(bucket)) for bucket in filled])
    counts, _ = np.histogram(np.clip(tops, edges[0], edges[-1]), edges, weights=times.counts[filled])
    most = counts.max()
    return [
        "",
        *(
            f"{_time(edge):>10}  {'█' * round(BAR_WIDTH * count / most) or ('▏' if count else '')} {int(count):,}"
            for edge, count in zip(edges, counts, strict=False)
        ),
        "",
    ]


def _times(times: Histogram) -> str:
    named = {"p50": times.percentile_ns(50), "p99": times.percentile_ns(99), "max": times.max_ns}
    shown = [f"{name}{_NO_BREAK}{_time(value)}" for name, value in named.items() if value is not None]
    return "  ".join(shown) or "none in the window"


def _time(value_ns: float | None) -> str:
    if value_ns is None:
        return "–"
    unit, size = next((row for row in (("s", 1e9), ("ms", 1e6)) if value_ns >= 0.9995 * row[1]), ("µs", 1e3))
    value = value_ns / size
    return f"{value:,.0f}{_NO_BREAK}{unit}" if value >= 999.5 else f"{value:.3g}{_NO_BREAK}{unit}"


def _wrap(line: str) -> str:
    if len(line) <= COLUMNS:
        return line.replace(_NO_BREAK, " ")
    broken = textwrap.wrap(line, COLUMNS, subsequent_indent=12 * " ", break_on_hyphens=False)
    return "\n".join(broken).replace(_NO_BREAK, " ")
