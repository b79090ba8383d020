"""What is read at the edges of a window besides the load: the machine, and the server if it runs here."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass

import psutil

from loadgen import process_tree, surroundings
from loadgen.errors import GilbenchError


@dataclass(frozen=True, slots=True)
class ServerUse:
    """What the server's process and its descendants used in the window.

    Attributes:
        pid: of the process.
        cpu_s: CPU time.
        peak_rss_bytes: sum of each process's largest resident set, by the window's end.
        rss_growth_bytes: how much that sum grew in the window.
    """

    pid: int
    cpu_s: float
    peak_rss_bytes: int
    rss_growth_bytes: int


@dataclass(frozen=True, slots=True)
class Testimony:
    """What was seen beside the load.

    Attributes:
        steal_share: share of the machine's CPU time taken by its host; ``None`` where unknown.
        foreign_cores: cores used by neither this process nor the server; ``None`` where the server's use is not known.
        server: ``None`` where the server's process is not known.
    """

    steal_share: float | None
    foreign_cores: float | None
    server: ServerUse | None


@dataclass(slots=True)
class Witness:
    """Looks at both edges of a window."""

    server_pid: int | None
    _begin: tuple[float, surroundings.MachineTime, process_tree.Usage | None] | None = None

    def begin(self) -> None:
        with contextlib.suppress(OSError):  # the system may have no files left
            self._begin = self._look()

    def end(self) -> Testimony | None:
        """Return what was seen since :meth:`begin`; ``None`` if that was not to be seen."""
        if self._begin is None:
            return None
        (began_s, machine, usage), (ended_s, machine_after, usage_after) = self._begin, self._look()
        wall_s = ended_s - began_s
        server = None
        if usage and usage_after and self.server_pid is not None:
            growth = usage_after.peak_rss_bytes - usage.peak_rss_bytes
            server = ServerUse(self.server_pid, usage_after.cpu_s - usage.cpu_s, usage_after.peak_rss_bytes, growth)
        steal = None
        if machine.steal_s is not None and machine_after.steal_s is not None:
            steal = (machine_after.steal_s - machine.steal_s) / wall_s / (psutil.cpu_count() or 1)
        busy_s = machine_after.busy_s - machine.busy_s - (machine_after.own_s - machine.own_s)
        return Testimony(steal, max(0.0, busy_s - server.cpu_s) / wall_s if server else None, server)

    def _look(self) -> tuple[float, surroundings.MachineTime, process_tree.Usage | None]:
        usage = None
        if self.server_pid is not None:
            try:
                usage = process_tree.read(self.server_pid)
            except OSError:  # it has ended, which the load shows
                usage = None
        return process_tree.now_s(), surroundings.read_time(), usage


def check_pid(pid: int) -> None:
    """Make sure that a process can be looked at.

    Raises:
        GilbenchError: there is none of that number, or it is somebody else's.
    """
    try:
        process_tree.read(pid)
    except PermissionError as problem:
        raise GilbenchError(
            f"process {pid} is not yours to look at: run as its user, or leave --server-pid out"
        ) from problem
    except OSError as problem:
        raise GilbenchError(f"there is no process {pid}: name the server's, or leave --server-pid out") from problem


def owner_of(port: int) -> int | None:
    """Return the process that listens on a port of this machine, ``None`` if that cannot be seen."""
    try:
        found = psutil.net_connections(kind="tcp")
    except (psutil.Error, OSError):
        return None
    listening = [one for one in found if one.status == psutil.CONN_LISTEN and one.pid]
    owners = {one.pid for one in listening if getattr(one.laddr, "port", None) == port and one.pid}
    # Of a parent and the children that share its port, the parent has them all in its tree.
    return min(owners, default=None)
