"""Profiles for other programs: Perfetto and the Firefox Profiler (Chrome's trace format), speedscope."""

from __future__ import annotations

from typing import Any, Final

from bench.analysis.profile.load import Profile
from bench.report.profile.timeline import APPEARANCES

_CLIENTS: Final = 0  # the clients' process in a trace
SPEEDSCOPE: Final = "https://www.speedscope.app/file-format-schema.json"


def trace(profile: Profile) -> dict[str, Any]:
    """Return the timeline in Chrome's trace event format, which Perfetto and the Firefox Profiler open.

    Complete events (``X``) of threads and of clients, times and durations in microseconds; the format is described in
    "Trace Event Format" (Chromium project, 2016).
    """
    pids = dict.fromkeys(lane.pid for lane in profile.lanes)
    events: list[dict[str, Any]] = [_name_threads("process_name", _CLIENTS, 0, "clients")]
    events += [_name_threads("process_name", pid, pid, f"{profile.name}, process {pid}") for pid in pids]
    for lane in profile.lanes:
        events.append(_name_threads("thread_name", lane.pid, lane.tid, lane.name))
        events += [
            {
                "name": APPEARANCES[doing].label if doing in APPEARANCES else doing,
                "cat": doing,
                "ph": "X",
                "pid": lane.pid,
                "tid": lane.tid,
                "ts": begin_us,
                "dur": round(end_us - begin_us, 1),
            }
            for begin_us, end_us, doing in lane.spans
        ]
    clients = sorted({request.client for request in profile.requests})
    events += [_name_threads("thread_name", _CLIENTS, client + 1, f"client {client + 1}") for client in clients]
    events += [
        {
            "name": "request",
            "cat": "request",
            "ph": "X",
            "pid": _CLIENTS,
            "tid": client + 1,
            "ts": max(0.0, begin_us),
            "dur": round(end_us - max(0.0, begin_us), 1),
        }
        for client, begin_us, end_us in profile.requests
    ]
    return {"traceEvents": events, "displayTimeUnit": "ms"}


def _name_threads(what: str, pid: int, tid: int, name: str) -> dict[str, Any]:
    return {"name": what, "ph": "M", "pid": pid, "tid": tid, "args": {"name": name}}


def speedscope(profile: Profile) -> dict[str, Any]:
    """Return all stacks in speedscope's format, a profile for each kind, weights in seconds."""
    frames: dict[str, int] = {}
    profiles = []
    for kind, stacks in profile.stacks.items():
        ordered = sorted(stacks.items())
        weights = [profile.seconds(count) for _, count in ordered]
        profiles.append(
            {
                "type": "sampled",
                "name": f"{profile.name}, {kind}",
                "unit": "seconds",
                "startValue": 0,
                "endValue": sum(weights),
                "samples": [[frames.setdefault(name, len(frames)) for name in stack] for stack, _ in ordered],
                "weights": weights,
            }
        )
    return {
        "$schema": SPEEDSCOPE,
        "name": profile.name,
        "exporter": "gilbench",
        "shared": {"frames": [{"name": name} for name in frames]},
        "profiles": profiles,
    }
