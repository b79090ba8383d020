"""What is counted of requests, as compiled code."""

from __future__ import annotations

from typing import Any

from loadgen.histograms import recording
from loadgen.native.compiled import inline


@inline
def note(w: Any, row: int, value_ns: int) -> None:
    recording.count(w.times[row], w.extremes[row], value_ns)


@inline
def note_busy(w: Any, change: int, now_ns: int) -> None:
    """Change the number of requests sent and not yet answered, and add to its integral over time."""
    counters = w.counters[0]
    counters.busy_ns += counters.busy * (now_ns - counters.busy_since_ns)
    counters.busy_since_ns = now_ns
    counters.busy += change


@inline
def count_answer(w: Any, index: int, now_ns: int) -> None:
    counters = w.counters[0]
    counters.served_ns += now_ns - max(w.connections[index].sent_ns, counters.served_since_ns)
    note_busy(w, -1, now_ns)


@inline
def note_finished(w: Any, now_ns: int) -> None:
    w.counters[0].finished += 1
    w.counters[0].finished_ns = now_ns
