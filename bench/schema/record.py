"""The result of one window: the type between measuring and everything that shows results.

A record is one JSON object, one line of ``records.jsonl``. Existing names stay; more may be added.

Schema history:
    1: first version.
"""

from __future__ import annotations

import dataclasses
import functools
import json
from dataclasses import dataclass, field
from typing import Any, Final

from bench.schema.cell import Cell
from bench.schema.reading import refuse_newer
from bench.schema.record_parts import (
    BackgroundLoad,
    ConnectTime,
    ContextSwitches,
    CpuInterval,
    CpuTime,
    Latency,
    PageFaults,
    ThreadAccounting,
    ThreadStates,
)
from loadgen.errors import InvalidInput

RECORDS: Final = "records.jsonl"
SCHEMA = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One window.

    Attributes:
        schema: version of this layout.
        model: concurrency model of the server.
        workload: what one request does.
        clients: clients of the load, each with one connection at a time.
        interpreter: name of the interpreter, a key of ``interpreters`` in ``run.json``.
        requests_per_connection: requests sent over one connection before the client reconnects; ``None``: keep-alive.
        pass_: number of the pass, from 0 (``pass`` in JSON).
        launch: which launch of a server in this run, from 0; windows of one launch share its address layout.
        round_: which window of this launch, from 0 (``round`` in JSON); those of all interpreters in one round are a
            pair.
        at_s: when the window began, in seconds since the epoch.
        wall_s: length of the window.
        requests: requests answered correctly within the window.
        errors: failed requests by kind.
        throughput_rps: ``requests / wall_s``.
        latency_ns: see :class:`Latency`.
        connect_ns: see :class:`ConnectTime`.
        latency_hdr: the whole histogram, HdrHistogram's compressed V2 encoding in base64.
        server_cpu_s: CPU time of the server's process tree in ``cpu_interval``, children that came and went included.
        cpu_interval: see :class:`CpuInterval`; ``None`` in older records, in which it was the window.
        generator_cpu_s: CPU time of the load engine's thread in the window.
        generator_utilisation: share of the window that the engine's thread did not spend waiting for events.
        effective_cores: CPU-seconds of the server per second: ``server_cpu_s / cpu_interval.wall_s``.
        context_switches: see :class:`ContextSwitches`.
        peak_rss_bytes: sum over the server's processes of the largest resident set of each; pages that processes
            share count once for each. ``None`` where unknown.
        pss_bytes: proportional set size of the server's processes at the window's end: pages that N of them share count
            as an Nth in each. ``None`` where unknown.
        thread_states: where the serving threads' time went.
        thread_accounting: what these shares are based on, and the same for each role.
        steal_share: share of the machine's CPU time taken by its host; ``None`` where unknown.
        foreign_cpu_s: CPU time in the window of everything but the server and the generator.
        background_load: see :class:`BackgroundLoad`; ``None`` if there was none.
        page_faults: see :class:`PageFaults`.
        cpu_mhz: the CPUs' clock, mean over CPUs at the window's end; ``None`` where unknown.
        throttled: how often a core was slowed in the window for being too hot; ``None`` where unknown.
        unfinished: requests in flight when the window ended.
        warnings: what spoils this window; each has a ``code`` and the figures behind it.
    """

    schema: int = SCHEMA
    model: str
    workload: str
    clients: int
    interpreter: str
    requests_per_connection: int | None
    pass_: int
    launch: int
    at_s: float
    wall_s: float
    requests: int
    errors: dict[str, int]
    throughput_rps: float
    latency_ns: Latency
    connect_ns: ConnectTime
    latency_hdr: str
    server_cpu_s: CpuTime
    generator_cpu_s: float
    generator_utilisation: float
    effective_cores: float
    context_switches: ContextSwitches
    peak_rss_bytes: int | None
    round_: int = 0
    pss_bytes: int | None = None
    cpu_interval: CpuInterval | None = None
    thread_states: ThreadStates = field(default_factory=ThreadStates)
    thread_accounting: ThreadAccounting = field(default_factory=ThreadAccounting)
    steal_share: float | None = None
    foreign_cpu_s: float | None = None
    background_load: BackgroundLoad | None = None
    page_faults: PageFaults = field(default_factory=PageFaults)
    cpu_mhz: float | None = None
    throttled: int | None = None
    unfinished: int = 0
    warnings: list[dict[str, Any]] = field(default_factory=list)

    @property
    def cell(self) -> Cell:
        """Return its cell."""
        return Cell(self.model, self.workload, self.clients, self.interpreter)

    def to_dict(self) -> dict[str, Any]:
        """Return the record as a JSON object."""
        return {name.rstrip("_"): value for name, value in dataclasses.asdict(self).items()}

    def to_json(self) -> str:
        """Return the record as one line of JSON, without the line end."""
        return json.dumps(self.to_dict(), allow_nan=False)

    @classmethod
    def from_json(cls, line: str) -> Record:
        """Read a record back; fields that this version does not know are ignored.

        Raises:
            InvalidInput: the line is not a record, or has a newer schema.
        """
        try:
            raw = json.loads(line)
            refuse_newer("a record", raw["schema"], SCHEMA)
            raw["pass_"] = raw.pop("pass")
            raw["round_"] = raw.pop("round", 0)
            for name, kind in _NESTED.items():
                if raw.get(name) is not None:
                    raw[name] = kind(**_known_fields(kind, raw[name]))
            return cls(**_known_fields(cls, raw))
        except (ValueError, KeyError, TypeError, AttributeError) as exc:
            raise InvalidInput(f"not a record ({exc}): {line[:60]!r}; remove the line to continue") from exc


_NESTED: dict[str, type] = {
    "latency_ns": Latency,
    "connect_ns": ConnectTime,
    "server_cpu_s": CpuTime,
    "cpu_interval": CpuInterval,
    "context_switches": ContextSwitches,
    "page_faults": PageFaults,
    "background_load": BackgroundLoad,
    "thread_states": ThreadStates,
    "thread_accounting": ThreadAccounting,
}


def _known_fields(kind: type, raw: dict[str, Any]) -> dict[str, Any]:
    names = field_names(kind)
    return {name: value for name, value in raw.items() if name in names}


@functools.cache
def field_names(kind: type) -> tuple[str, ...]:
    """Return the names of the fields of one of the classes above."""
    return tuple(spec.name for spec in dataclasses.fields(kind))
