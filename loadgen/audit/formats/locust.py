"""Locust: the file ``..._stats.csv`` of ``--csv``."""

from __future__ import annotations

import csv
import io

from loadgen.audit.claim import Claim, Figure

_MS = 1e-3
_COLUMNS = {"Request Count", "Failure Count", "Average Response Time", "Requests/s"}


def is_locust(text: str) -> bool:
    """Return whether the text is Locust's table of statistics."""
    return set(next(csv.reader(io.StringIO(text)), [])) >= _COLUMNS


def read_locust(text: str) -> Claim:
    """Read the row of all requests; Locust rounds percentiles to whole ms, above 100 ms to tens."""
    rows = list(csv.DictReader(io.StringIO(text)))
    row = next((one for one in rows if one["Name"] == "Aggregated"), rows[-1])
    requests, failed, rate = int(row["Request Count"]), int(row["Failure Count"]), float(row["Requests/s"])

    def exact(column: str) -> Figure:
        return Figure(float(row[column]) * _MS)

    def rounded(value: str) -> Figure:
        ms = float(value)
        return Figure(ms * _MS, (1.0 if ms < 100 else 10.0 if ms < 1000 else 100.0) * _MS)

    percentiles = {float(name[:-1]): rounded(row[name]) for name in row if name.endswith("%") and row[name] != "N/A"}
    percentiles.pop(100.0, None)
    return Claim(
        tool="Locust",
        requests=requests,
        duration=Figure(requests / rate) if rate else None,
        rate=Figure(rate),
        mean=exact("Average Response Time"),
        minimum=exact("Min Response Time"),
        maximum=exact("Max Response Time"),
        percentiles=percentiles,
        errors={"failures": failed} if failed else {},
        errors_counted=True,
    )
