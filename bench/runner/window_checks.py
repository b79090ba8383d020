"""Validation of a window: each check is a row with a code and its condition."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from bench.schema.warning_codes import (
    CLOCK_MOVED_ABOVE,
    CONTENDED_ABOVE,
    GENERATOR_CORES_ABOVE,
    MAJOR_FAULTS_ABOVE_PER_S,
)
from loadgen.host.cgroup import CpuQuota
from loadgen.validation import checks as belief
from loadgen.validation.warning_codes import FOREIGN_CORES_ABOVE, STEAL_ABOVE


@dataclass(frozen=True, slots=True)
class WindowConditions:
    """How busy the machine was during a window.

    Attributes:
        wall_s: time from one reading to the other.
        cpus: CPUs of the machine.
        busy_s: CPU-seconds of all processes.
        generator_cpu_s: CPU-seconds of the load engine.
        foreign_cpu_s: CPU-seconds of processes other than the server and this one.
        steal_share: share of the CPU time taken by the host; ``None`` where unknown.
        mhz: the CPUs' clock at both edges; ``None`` where unknown.
        throttled: how often a core was slowed for being too hot; ``None`` where unknown.
        major_faults: page faults of the server that needed the disk.
        offset_s: how far the interval of the server's CPU time may differ from the window.
        window_s: length of the window itself.
        quotas: of the control group at both edges; ``None``: no quota.
    """

    wall_s: float
    cpus: int
    busy_s: float
    generator_cpu_s: float
    foreign_cpu_s: float
    steal_share: float | None
    mhz: tuple[float | None, float | None] = (None, None)
    throttled: int | None = None
    major_faults: int = 0
    offset_s: float = 0.0
    window_s: float = math.inf
    quotas: tuple[CpuQuota | None, CpuQuota | None] = (None, None)

    def warnings(self) -> list[dict[str, Any]]:
        """Return the conditions that spoil the window, each with a ``code`` and its figures."""
        busy_share = self.busy_s / (self.cpus * self.wall_s)
        generator_cores = self.generator_cpu_s / self.wall_s
        foreign_cores = self.foreign_cpu_s / self.wall_s
        steal_share = self.steal_share or 0.0
        faults_per_s = self.major_faults / self.wall_s
        late = belief.edges_late(self.offset_s, self.window_s) or {}
        before, after = self.mhz
        quota_before, quota = self.quotas
        stopped = quota.throttled - quota_before.throttled if quota and quota_before else 0
        moved = abs(after / before - 1) if before and after else 0.0
        rows = (
            (
                busy_share > CONTENDED_ABOVE and generator_cores > GENERATOR_CORES_ABOVE,
                {"code": "contended", "busy_share": busy_share, "generator_cores": generator_cores},
            ),
            (steal_share > STEAL_ABOVE, {"code": "steal", "share": steal_share}),
            (moved > CLOCK_MOVED_ABOVE, {"code": "clock", "from_mhz": before, "to_mhz": after}),
            (bool(self.throttled), {"code": "throttled", "times": self.throttled}),
            (stopped > 0, {"code": "cpu_quota", "times": stopped, "cpus": quota.cpus if quota else 0.0}),
            (faults_per_s > MAJOR_FAULTS_ABOVE_PER_S, {"code": "paging", "faults_per_s": faults_per_s}),
            (foreign_cores > FOREIGN_CORES_ABOVE, {"code": "foreign_cpu", "cores": foreign_cores}),
            (bool(late), {"code": "edges_late", **late}),
        )
        return [{k: round(v, 4) if isinstance(v, float) else v for k, v in w.items()} for hit, w in rows if hit]
