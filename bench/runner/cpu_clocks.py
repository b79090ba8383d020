"""The CPUs' clock rate and how often heat has reduced it; mostly not available in virtual machines."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import psutil

CPUS = Path("/sys/devices/system/cpu")


class Clocks(NamedTuple):
    """A reading.

    Attributes:
        mhz: mean clock rate over CPUs; ``None`` if not available.
        throttled: how often cores were slowed since boot because they were too hot, in total; ``None``: unknown.
    """

    mhz: float | None
    throttled: int | None


def read(cpus: Path = CPUS) -> Clocks:
    """Read both."""
    counters = [_number(path) for path in cpus.glob("cpu[0-9]*/thermal_throttle/core_throttle_count")]
    known = [count for count in counters if count is not None]
    return Clocks(_mhz(), sum(known) if known else None)


def _mhz() -> float | None:
    try:
        found = psutil.cpu_freq()
    except (OSError, NotImplementedError, RuntimeError):
        return None
    return float(found.current) if found and found.current else None


def _number(path: Path) -> int | None:
    try:
        return int(path.read_text(encoding="ascii"))
    except (OSError, ValueError):
        return None
