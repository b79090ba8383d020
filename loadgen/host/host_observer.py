"""The observer of the host at the edges of a window: reads the machine, and the server if it runs here."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import dataclass

from loadgen.errors import GilbenchError
from loadgen.host import host_load, process_tree


@dataclass(frozen=True, slots=True)
class ServerUse:
    """Resources that the server's process and its descendants used in the window.

    Attributes:
        pid: of the process.
        wall_s: from one reading of its CPU clocks to the other.
        requests: requests answered correctly between the two.
        offset_s: by how much that interval may differ from the window, at both edges together.
        cpu_s: CPU time between them.
        peak_rss_bytes: sum of each process's largest resident set, by the window's end.
        rss_growth_bytes: how much that sum grew in the window.
    """

    pid: int
    wall_s: float
    requests: float
    offset_s: float
    cpu_s: float
    peak_rss_bytes: int
    rss_growth_bytes: int

    @property
    def cores(self) -> float:
        """CPU-seconds per second."""
        return self.cpu_s / self.wall_s if self.wall_s else 0.0

    @property
    def cpu_s_per_request(self) -> float | None:
        """CPU time over the requests answered in the same interval; ``None`` if there were none."""
        return self.cpu_s / self.requests if self.requests else None


@dataclass(frozen=True, slots=True)
class HostMetrics:
    """Figures of the host and the server during the load.

    Attributes:
        steal_share: share of the machine's CPU time taken by its host; ``None`` if unknown.
        foreign_cores: cores used by neither this process nor the server; ``None`` if the server's use is unknown.
        server: ``None`` if the server's process is unknown.
    """

    steal_share: float | None
    foreign_cores: float | None
    server: ServerUse | None


@dataclass(slots=True)
class HostObserver:
    """Observer that reads the host at both edges of a window."""

    server_pid: int | None
    answered: Callable[[], int]
    _begin: tuple[host_load.MachineTime, process_tree.Usage | None] | None = None

    def begin(self) -> None:
        with contextlib.suppress(OSError):  # the system may be out of file descriptors
            self._begin = self._read()

    def end(self, began_s: float, ended_s: float) -> HostMetrics | None:
        """Return the metrics since :meth:`begin`; ``None`` if :meth:`begin` could not read them.

        Args:
            began_s: when the window began, on the monotonic clock.
            ended_s: when it ended.
        """
        if self._begin is None:
            return None
        (machine, usage), (machine_after, usage_after) = self._begin, self._read()
        wall_s = machine_after.at_s - machine.at_s
        server = None
        if usage and usage_after and self.server_pid is not None:
            server = ServerUse(
                self.server_pid,
                usage_after.at_s - usage.at_s,
                usage_after.counted - usage.counted,
                process_tree.offset_s(usage, usage_after, began_s, ended_s),
                usage_after.cpu_s - usage.cpu_s,
                usage_after.peak_rss_bytes,
                usage_after.peak_rss_bytes - usage.peak_rss_bytes,
            )
        steal = host_load.steal_share(machine, machine_after)
        busy_s = machine_after.busy_s - machine.busy_s - (machine_after.own_s - machine.own_s)
        return HostMetrics(steal, max(0.0, busy_s / wall_s - server.cores) if server else None, server)

    def _read(self) -> tuple[host_load.MachineTime, process_tree.Usage | None]:
        usage = None
        if self.server_pid is not None:
            try:
                usage = process_tree.read(self.server_pid, self.answered)
            except OSError:  # the server has ended, which the load shows
                usage = None
        return host_load.read_time(), usage


def check_pid(pid: int) -> None:
    """Check that a process can be inspected.

    Raises:
        GilbenchError: there is no such process, or it belongs to another user.
    """
    try:
        process_tree.read(pid)
    except PermissionError as exc:
        raise GilbenchError(
            f"no permission to inspect process {pid}: run as its user, or leave --server-pid out"
        ) from exc
    except OSError as exc:
        raise GilbenchError(f"there is no process {pid}: give the server's, or leave --server-pid out") from exc
