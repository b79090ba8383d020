"""How disturbed the machine was during an observation."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Final

from loadgen.host import host_load, process_tree
from loadgen.validation.warning_codes import FOREIGN_CORES_ABOVE

STEAL_ABOVE: Final = (
    0.04  # more than a window may have: the narrowest bounds here are 3%, and steal affects only a part
)
SHORTEST_S: Final = 0.2  # the kernel counts in ticks of 10 ms: over a shorter time, one tick looks like another program


@dataclass(frozen=True, slots=True)
class HostLoad:
    """CPU time that others used during an observation.

    Attributes:
        foreign_cores: CPU-seconds per second of processes that are neither this one nor descend from it.
        steal_share: share of the machine's CPU time taken by its host; ``None`` where unknown.
    """

    foreign_cores: float
    steal_share: float | None

    @property
    def disturbed(self) -> bool:
        """Whether that is too much to trust a figure."""
        return self.foreign_cores > FOREIGN_CORES_ABOVE or (self.steal_share or 0.0) > STEAL_ABOVE


class HostObserver:
    """Reads the machine's clocks when it is created, and again for the load since then."""

    def __init__(self) -> None:
        self._before = self._read()

    def load(self) -> HostLoad:
        """Return the CPU time that others have used since then."""
        (machine, own_s), (machine_after, own_after_s) = self._before, self._read()
        wall_s = machine_after.at_s - machine.at_s
        foreign_s = max(0.0, machine_after.busy_s - machine.busy_s - (own_after_s - own_s))
        return HostLoad(foreign_s / max(wall_s, SHORTEST_S), host_load.steal_share(machine, machine_after))

    @staticmethod
    def _read() -> tuple[host_load.MachineTime, float]:
        return host_load.read_time(), process_tree.read(os.getpid()).cpu_s
