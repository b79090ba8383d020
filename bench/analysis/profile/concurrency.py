"""How many threads of a profiled server ran at once."""

from __future__ import annotations

from typing import Final

from bench.analysis.profile.load import Profile

_ON_CPU: Final = ("running", "holding")


def running_at_once(profile: Profile) -> float:
    """Return how many threads were on a CPU at once, on average: by the kernel's clocks where known, else by lanes."""
    exact = (profile.meta.get("timeline") or {}).get("effective_cores")
    if exact is not None:
        return float(exact)
    busy = sum(end - begin for lane in profile.lanes for begin, end, doing in lane.spans if doing in _ON_CPU)
    return busy / profile.end_us if profile.end_us else 0.0
