"""Generators that write JSON: gilbench load, oha, k6 and vegeta; a row of the table for each."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple

from loadgen.audit.claim import Claim, Figure

_MS, _NS = 1e-3, 1e-9


class Document(NamedTuple):
    """A kind of document: how it is recognised, and how it is read."""

    has: tuple[str, ...]
    read: Callable[[Mapping[str, Any]], Claim]


def is_document(text: str) -> bool:
    """Return whether the text is a JSON object of one of these."""
    return _kind(text) is not None


def read_document(text: str) -> Claim:
    """Read the object."""
    found = _kind(text)
    assert found  # noqa: S101 - is_document() came first
    return found[0].read(found[1])


def _kind(text: str) -> tuple[Document, Mapping[str, Any]] | None:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return None
    if not isinstance(value, dict):
        return None
    return next(((kind, value) for kind in DOCUMENTS if all(key in value for key in kind.has)), None)


def _figure(value: Any, scale: float = 1.0) -> Figure | None:
    return Figure(float(value) * scale) if isinstance(value, (int, float)) else None


def _percentiles(values: Mapping[str, Any], scale: float, name: Callable[[str], float | None]) -> dict[float, Figure]:
    found = {name(key): _figure(value, scale) for key, value in values.items()}
    return {percent: figure for percent, figure in found.items() if percent is not None and figure is not None}


def _own_percent(key: str) -> float | None:
    if not key.startswith("p") or not key[1:].isdigit():
        return None
    return float(f"{key[1:3]}.{key[3:] or 0}")


def _gilbench(value: Mapping[str, Any]) -> Claim:
    latency = value["latency_ns"]
    closed = value["loop"] == "closed"
    return Claim(
        tool="gilbench load",
        requests=value["requests"],
        duration=_figure(value["wall_s"]),
        rate=_figure(value["throughput_rps"]),
        clients=value["connections"] if closed and not value["errors"] else None,
        intended_rate=value["intended_rps"],
        mean=_figure(latency["mean"], _NS),
        minimum=_figure(latency["min"], _NS),
        maximum=_figure(latency["max"], _NS),
        percentiles=_percentiles(latency, _NS, _own_percent),
        errors=value["errors"],
        not_sent=value["late_sends"] or 0,
        busy=value["utilisation"],
    )


def _oha(value: Mapping[str, Any]) -> Claim:
    whole = value["summary"]
    codes = {code: count for code, count in (value.get("statusCodeDistribution") or {}).items() if code >= "400"}
    answered = sum((value.get("statusCodeDistribution") or {}).values())
    return Claim(
        tool="oha",
        requests=answered,
        duration=_figure(whole.get("total")),
        rate=_figure(whole.get("requestsPerSec")),
        mean=_figure(whole.get("average")),
        minimum=_figure(whole.get("fastest")),
        maximum=_figure(whole.get("slowest")),
        percentiles=_percentiles(value.get("latencyPercentiles") or {}, 1.0, _own_percent),
        errors=codes | (value.get("errorDistribution") or {}),
        errors_counted=True,
    )


def _k6(value: Mapping[str, Any]) -> Claim:
    metrics = {name: metric.get("values", metric) for name, metric in value["metrics"].items()}
    times, whole = metrics.get("http_req_duration", {}), metrics.get("http_reqs", {})
    failed = metrics.get("http_req_failed", {})
    count = int(failed.get("passes", 0))  # how often the condition "failed" was true
    rate = whole.get("rate")
    return Claim(
        tool="k6",
        requests=whole.get("count"),
        duration=Figure(whole["count"] / rate) if rate else None,
        rate=_figure(rate),
        mean=_figure(times.get("avg"), _MS),
        minimum=_figure(times.get("min"), _MS),
        maximum=_figure(times.get("max"), _MS),
        percentiles=_percentiles(times, _MS, lambda key: 50.0 if key == "med" else _k6_percent(key)),
        errors={"http_req_failed": count} if count else {},
        errors_counted=True,
        not_sent=int(metrics.get("dropped_iterations", {}).get("count", 0)),
    )


def _k6_percent(key: str) -> float | None:
    return float(key[2:-1]) if key.startswith("p(") and key.endswith(")") else None


def _vegeta(value: Mapping[str, Any]) -> Claim:
    latency = value["latencies"]
    codes = {code: count for code, count in (value.get("status_codes") or {}).items() if not "200" <= code < "400"}
    return Claim(
        tool="vegeta",
        requests=value["requests"],
        duration=_figure(value["duration"], _NS),
        rate=_figure(value["rate"]),
        mean=_figure(latency["mean"], _NS),
        minimum=_figure(latency.get("min"), _NS),
        maximum=_figure(latency["max"], _NS),
        percentiles=_percentiles(latency, _NS, lambda key: float(key[:-2]) if key[0].isdigit() else None),
        errors=codes,
        errors_counted=True,
    )


DOCUMENTS: Final = (
    Document(("latency_ns", "throughput_rps", "loop"), _gilbench),
    Document(("summary", "latencyPercentiles"), _oha),
    Document(("metrics",), _k6),
    Document(("latencies", "requests", "rate"), _vegeta),
)
