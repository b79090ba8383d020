"""Concurrency of a profiled server's threads."""

from __future__ import annotations

from typing import Final

from bench.analysis.profile.load import Profile

_ON_CPU: Final = ("running", "holding")


def running_at_once(profile: Profile) -> float:
    """Return the mean number of threads on a CPU at once: from the kernel's clocks if known, else from lanes."""
    exact = (profile.meta.get("timeline") or {}).get("effective_cores")
    if exact is not None:
        return float(exact)
    busy = sum(end - begin for lane in profile.lanes for begin, end, doing in lane.spans if doing in _ON_CPU)
    return busy / profile.end_us if profile.end_us else 0.0
