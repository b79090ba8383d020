"""The summary of a result for a terminal, in at most 80 columns."""

from __future__ import annotations

import textwrap
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


def render(result: LoadResult) -> str:
    """Return the summary."""
    load = result.load
    lasting = (
        "keep-alive"
        if load.requests_per_connection is None
        else f"{load.requests_per_connection} requests per connection"
    )
    shown = "closed loop" if load.intended_rps is None else f"open loop, {load.arrivals} {load.intended_rps:,.0f}/s"
    lines = [
        f"{load.host}:{load.port}  protocol {load.spoken.name}  {shown}, {clients(load.connections)}, {lasting}",
        "",
        f"throughput  {result.throughput_rps:>12,.1f} requests/s   {result.requests:,} in {result.wall_s:.3f} s",
        *_table(result),
        f"connect     {_times(result.connect)}",
        f"generator   {result.utilisation:>12.1%} busy         {result.cpu_s:.3f} s of CPU",
    ]
    server = result.host_metrics.server if result.host_metrics else None
    if server and server.cpu_s_per_request is not None:
        lines.append(
            f"server      {server.cpu_s_per_request * 1e6:>9,.1f} µs of CPU per request   {server.cores:.2f} cores   "
            f"{server.peak_rss_bytes / 2**20:,.0f} MiB"
        )
    if result.statuses:
        lines.append("status      " + "  ".join(f"{name} {count:,}" for name, count in result.statuses.items()))
    if result.errors:
        lines.append("errors      " + "  ".join(f"{name} {count:,}" for name, count in result.errors.items()))
    if result.unfinished:
        lines.append(f"unfinished  {result.unfinished:>12} in flight    for {result.oldest_unfinished_s:.3f} s at most")
    lines += _bars(result.latency)
    lines += [f"warning: {wording(warning)}" for warning in warnings(result)]
    return "\n".join(map(_wrap, lines))


def render_step(step: Step) -> str:
    """Return the line for one step of a search."""
    p50, p99 = (_time(step.result.latency.percentile_ns(percent)) for percent in (50, 99))
    verdict = "holds" if step.holds else "does not hold"
    return f"{step.rate_rps:>12,.0f}/s  p50 {p50:>8}  p99 {p99:>8}  errors {step.result.failed:,}  {verdict}".replace(
        _NO_BREAK, " "
    )


def render_capacity(found: Capacity) -> str:
    """Return the result of a search in a sentence."""
    wanted = " and ".join(objective.text for objective in found.objectives)
    if found.holds_rps is None:
        return f"capacity: {wanted} held at none of the rates tried"
    if found.fails_rps is None:
        return f"capacity: {wanted} held at every rate tried, up to {found.holds_rps:,.0f}/s"
    return f"capacity: {wanted} holds at {found.holds_rps:,.0f}/s and no longer at {found.fails_rps:,.0f}/s"


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


def _table(result: LoadResult) -> list[str]:
    """Return the percentiles with their intervals; in the open loop those of the service time next to them."""
    opened = bool(result.load.schedule)
    rows = [f"{'':12}{'latency':>12}  {'95% interval':<20}" + (f"{'service':>12}" if opened else "")]
    if not result.latency.total:
        return ["latency     none"]
    for name, percent in LATENCY_PERCENTILES.items():
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
