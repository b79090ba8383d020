"""One test per cell of the plan: it passes if the cell was measured, and gives pytest-benchmark its windows."""

from __future__ import annotations

from typing import Any

import pytest

from bench.adapter import clock
from bench.schema.cell import Cell
from bench.schema.record import Record


def test_cell(cell: Cell, records: list[Record], failures: list[str], request: pytest.FixtureRequest) -> None:
    if failures:
        pytest.fail("; ".join(failures), pytrace=False)
    unanswered = [record.errors for record in records if not record.requests]
    if unanswered or not records:
        pytest.fail(f"{len(unanswered)} of {len(records)} windows had no answered request: {unanswered}", pytrace=False)
    benchmark: Any = request.getfixturevalue("benchmark")  # a fixture that must be used if requested
    benchmark.group = cell.workload
    benchmark.extra_info.update(cell._asdict(), records=[_drop_histogram(record) for record in records])
    benchmark.pedantic(clock.Replay(records), rounds=len(records))


def _drop_histogram(record: Record) -> dict[str, Any]:
    fields = record.to_dict()
    del fields["latency_hdr"]  # most of a record, and already in records.jsonl
    return fields
