"""Writing a cell's profile to ``profile/CELL/`` of a run, apart from the run's measurements.

``profile.json``
    the cell, the profiler and why it was chosen, the cost of each profiler, the resolution of the timeline, and of a
    model with an event loop (CPython 3.14 or newer) what its asyncio tasks awaited.
``windows.jsonl``
    a record for each window, as in ``records.jsonl``, and ``with``: what it was measured with.
``stacks-KIND.folded``
    stacks and how often each was seen, for kinds cpu, gil, wall and blocked.
``memory.json``
    with ``--memory``: the memory that the server's processes held before the load and at its end, by line.
``timeline.json``
    each thread's states and the clients' requests, in microseconds from the first sample.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

from bench.errors import GilbenchError
from bench.interpreters.interpreter import Interpreter
from bench.live.tasks import TaskSamples
from bench.profile.stacks import to_text
from bench.profile.windows import How, Profile
from bench.schema.layout import PROFILE_SCHEMA
from bench.threads.timeline import Timeline
from loadgen.result import Traced

PROFILE: Final = "profile"


def write(
    run: Path, found: Profile, *, interpreter: Interpreter, how: How, command: str, memory: dict[str, Any] | None = None
) -> Path:
    """Write a cell's profile, replacing an earlier one.

    Raises:
        GilbenchError: a file cannot be written.
    """
    folder = run / PROFILE / found.cell.name
    files = {
        "profile.json": json.dumps(_meta(found, interpreter, how, command), indent=1, allow_nan=False) + "\n",
        "windows.jsonl": "".join(
            json.dumps({"with": with_} | json.loads(record.to_json())) + "\n" for with_, record in found.windows
        ),
        **{f"stacks-{kind.value}.folded": to_text(stacks) for kind, stacks in found.stacks.items()},
    }
    if found.timeline is not None:
        files["timeline.json"] = json.dumps(_timeline(found.timeline, found.requests), separators=(",", ":")) + "\n"
    if memory is not None:
        files["memory.json"] = json.dumps(memory, indent=1) + "\n"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for path in folder.iterdir():
            path.unlink()
        for name, text in files.items():
            (folder / name).write_text(text, encoding="utf-8")
    except OSError as exc:
        raise GilbenchError(f"cannot write to {folder}: {exc.strerror}; make room, or give another --results") from (
            exc
        )
    return folder


def _meta(found: Profile, interpreter: Interpreter, how: How, command: str) -> dict[str, Any]:
    timeline = found.timeline
    return {
        "schema": PROFILE_SCHEMA,
        "cell": found.cell._asdict(),
        "command": command,
        "build": asdict(interpreter.build),
        "profiler": None if found.profiler is None else found.profiler.name,
        "why": None if found.profiler is None else found.profiler.why,
        "passed_over": found.refused,
        "failures": found.failures,
        "native": how.native,
        "rate_hz": how.rate_hz,
        "sampled_s": {kind.value: round(seconds, 3) for kind, seconds in found.sampled_s.items()},
        "costs": {
            with_: {"ratio": cost.ratio, "low": _number(cost.low), "high": _number(cost.high), "windows": cost.launches}
            for with_, cost in found.costs().items()
        },
        "tasks": None if found.tasks is None else _tasks(found.tasks),
        "timeline": None
        if timeline is None
        else {
            "samples": timeline.samples,
            "resolution_us": round(timeline.resolution_ns / 1e3, 1),
            "overhead_cores": round(timeline.overhead_cores, 4),
            "effective_cores": round(found.cores, 3),
            "shares": {doing.value: round(share, 4) for doing, share in timeline.shares().items()},
        },
    }


def _tasks(found: TaskSamples) -> dict[str, Any]:
    seen = found.tasks.most_common()
    rows = [awaited._asdict() | {"tasks": round(times / found.samples, 3)} for awaited, times in seen]
    return {"samples": found.samples, "rows": rows}


def _timeline(timeline: Timeline, requests: tuple[Traced, ...]) -> dict[str, Any]:
    def us(ns: int) -> float:
        return round((ns - timeline.begin_ns) / 1e3, 1)

    return {
        "end_us": us(timeline.end_ns),
        "lanes": [
            {
                "tid": lane.tid,
                "pid": lane.pid,
                "name": lane.name,
                "spans": [[us(begin_ns), us(end_ns), doing.value] for begin_ns, end_ns, doing in lane.spans],
            }
            for lane in timeline.lanes
        ],
        "requests": [
            [client, us(since_ns), us(at_ns)] for client, since_ns, at_ns in requests if at_ns <= timeline.end_ns
        ],
    }


def _number(value: float) -> float | None:
    return value if value == value else None  # noqa: PLR0124 - NaN is not JSON
