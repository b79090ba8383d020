"""Does a window deserve belief? Each check is a row: a code and what it looks at."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

CONTENDED_ABOVE = 0.95
GENERATOR_CORES_ABOVE = 0.1
STEAL_ABOVE = 0.02
FOREIGN_CORES_ABOVE = 0.1


@dataclass(frozen=True, slots=True)
class Surroundings:
    """How busy the machine was during a window.

    Attributes:
        wall_s: length of the window.
        cpus: CPUs of the machine.
        busy_s: CPU-seconds of everything.
        generator_cpu_s: CPU-seconds of the load engine.
        foreign_cpu_s: CPU-seconds of neither the server nor this process.
        steal_share: share of the CPU time taken by the host; ``None`` where unknown.
    """

    wall_s: float
    cpus: int
    busy_s: float
    generator_cpu_s: float
    foreign_cpu_s: float
    steal_share: float | None

    def warnings(self) -> list[dict[str, Any]]:
        """Return what in the surroundings spoils the window, each with a ``code`` and the figures behind it."""
        busy_share = self.busy_s / (self.cpus * self.wall_s)
        generator_cores = self.generator_cpu_s / self.wall_s
        foreign_cores = self.foreign_cpu_s / self.wall_s
        steal_share = self.steal_share or 0.0
        rows = (
            (
                busy_share > CONTENDED_ABOVE and generator_cores > GENERATOR_CORES_ABOVE,
                {"code": "contended", "busy_share": busy_share, "generator_cores": generator_cores},
            ),
            (steal_share > STEAL_ABOVE, {"code": "steal", "share": steal_share}),
            (foreign_cores > FOREIGN_CORES_ABOVE, {"code": "foreign_cpu", "cores": foreign_cores}),
        )
        return [{k: round(v, 4) if isinstance(v, float) else v for k, v in w.items()} for hit, w in rows if hit]
