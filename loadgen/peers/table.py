"""The comparison as a page of Markdown that is also readable in a terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from loadgen.peers.compare import OURS, Estimate, Row, rows
from loadgen.peers.plan import KNOWN, Record
from loadgen.peers.tools import TOOLS


def render(records: Sequence[Record], absent: Mapping[str, str], versions: Mapping[str, str]) -> str:
    """Return all tables.

    Args:
        records: the records of all runs.
        absent: what is missing, and why.
        versions: the version of each generator and server.
    """
    tools = [name for name in TOOLS if name not in absent]
    lines = [
        "# The load generator against its peers",
        "",
        "Requests per CPU-second of the generator, median of the rounds. *gilbench is ahead by* is its figure divided",
        "by the peer's in the same round: median and 95% interval (order statistics; none with fewer than six rounds).",
        "*Busy* is CPU time over wall time: at 1.00 the generator was the bottleneck, and throughput and latencies are",
        "its own.",
    ]
    places = sorted({(r["server"], r["connections"]) for r in records if r["kind"] == "cost"})
    for server in dict.fromkeys(server for server, _ in places):
        lines += ["", f"## On {server}", ""]
        lines += _table(
            ("connections", "generator", "per CPU-s", "gilbench is ahead by", "requests/s", "busy", "p50", "p99"),
            [
                _costs(number, row)
                for at, number in places
                if at == server
                for row in rows(records, server, number, tools)
            ],
        )
    for known in KNOWN:
        at = [r for r in records if (r["kind"], r["server"]) == ("known", known.server)]
        if at:
            lines += ["", f"## A known answer: {known.title}", ""]
            shown: list[tuple[str, ...]] = [("*what its users see*", "", _time(known.p50_ns), _time(known.p99_ns))]
            shown += [_figures(record) for record in at]
            lines += _table(("generator", "loop", "p50", "p99"), shown)
    lines += ["", "Versions: " + ", ".join(f"{name} {version}" for name, version in versions.items()) + "."]
    lines += [f"Missing: {reason}." for reason in absent.values()]
    return "\n".join(lines) + "\n"


def _costs(connections: int, row: Row) -> tuple[str, ...]:
    failed = f" ({len(row.errors)} failed: {row.errors[0][:60]})" if row.errors else ""
    return (
        f"{connections:,}",
        TOOLS[row.tool].title + failed,
        f"{row.per_cpu_s.median:,.0f}" if row.per_cpu_s else "",
        _ratio(row.ahead) if row.tool != OURS and row.ahead else "",
        f"{row.throughput_rps:,.0f}" if row.throughput_rps else "",
        f"{row.busy:.2f}" if row.busy else "",
        _time(row.p50_ns),
        _time(row.p99_ns),
    )


def _figures(record: Record) -> tuple[str, ...]:
    if "error" in record:
        return (TOOLS[record["tool"]].title, "failed: " + record["error"][:60], "", "")
    loop = f"open, {record['rate_rps']:,.0f}/s" if record["rate_rps"] else f"closed, {record['connections']} clients"
    loop += f", {record['late']:,} sent late" if record.get("late") else ""
    return (TOOLS[record["tool"]].title, loop, _time(record["p50_ns"]), _time(record["p99_ns"]))


def _ratio(one: Estimate) -> str:
    interval = "" if one.low is None else f" [{one.low:.2f}, {one.high:.2f}]"
    return f"{one.median:.2f}×{interval}"


def _time(value_ns: float | None) -> str:
    if value_ns is None:
        return ""
    return f"{value_ns / 1e3:,.0f} µs" if value_ns < 1e6 else f"{value_ns / 1e6:,.1f} ms"


def _table(head: tuple[str, ...], body: Sequence[tuple[str, ...]]) -> list[str]:
    """Return a Markdown table whose columns are aligned as text."""
    cells = [head, *body]
    widths = [max(len(row[i]) for row in cells) for i in range(len(head))]
    lines = [
        "| " + " | ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)) + " |" for row in cells
    ]
    return [lines[0], "|" + "|".join("-" * (width + 2) for width in widths) + "|", *lines[1:]]
