"""Control groups of a process, versions 1 and 2: their CPU quota, and whether they are frozen.

A quota of one group counts for all groups below it, so the chain up to the root is read. Source: the kernel's
Documentation/admin-guide/cgroup-v2.rst (cpu.max, cpu.stat) and Documentation/scheduler/sched-bwc.rst (version 1).
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

PROC: Final = Path("/proc")
_NO_QUOTA_US: Final = -1


class CpuQuota(NamedTuple):
    """The smallest quota of the groups that a process is in.

    Attributes:
        cpus: CPU-seconds per second that the group may use; infinite: no quota.
        throttled: how often the groups were stopped since they were made, as their quota was used up.
    """

    cpus: float
    throttled: int


def read_quota(proc: Path = PROC) -> CpuQuota | None:
    """Return the quota of this process; ``None``: the system does not show it."""
    quotas, throttled = [], 0
    with contextlib.suppress(OSError, ValueError, IndexError):
        for folder in _folders(proc):
            quotas.append(_quota_cpus(folder))
            if quotas[-1] < math.inf:
                throttled += _throttled(folder)
    return CpuQuota(min(quotas), throttled) if quotas else None


def frozen_by(pid: int, proc: Path = PROC) -> Path | None:
    """Return the file that freezes a process and its whole group; ``None``: it is not frozen.

    Raises:
        OSError: there is no such process.
    """
    for folder in _folders(proc, "freezer", str(pid)):
        for name, frozen in (("cgroup.freeze", "1"), ("freezer.state", "FROZEN")):
            with contextlib.suppress(OSError):
                if (folder / name).read_text(encoding="ascii").strip() == frozen:
                    return folder / name
    return None


def _folders(proc: Path, controller: str = "cpu", pid: str = "self") -> Iterator[Path]:
    """Yield the folders of a controller's groups that a process is in, each followed by those above it."""
    paths = {
        tuple(controllers.split(",")): path
        for line in (proc / pid / "cgroup").read_text(encoding="utf-8").splitlines()
        for _, controllers, path in [line.split(":", 2)]
    }
    for line in (proc / "self/mountinfo").read_text(encoding="utf-8").splitlines():
        before, _, after = line.partition(" - ")
        root, mount = before.split()[3:5]
        kind, _, options = after.split()[:3]
        for controllers, path in paths.items():
            if (kind == "cgroup2" and controllers == ("",)) or (
                kind == "cgroup" and controller in controllers and controller in options.split(",")
            ):
                # In a container the mount may show a part of the tree only: paths are those of the whole.
                below = path.removeprefix(root) if root != "/" and path.startswith(root) else path
                folder = Path(mount, below.strip("/"))
                chain = (folder, *folder.parents)
                yield from (one for one in chain if one.is_relative_to(mount) and one.is_dir())


def _quota_cpus(folder: Path) -> float:
    with contextlib.suppress(FileNotFoundError):
        quota, period = (folder / "cpu.max").read_text(encoding="ascii").split()
        return math.inf if quota == "max" else int(quota) / int(period)
    with contextlib.suppress(FileNotFoundError):
        quota_us = int((folder / "cpu.cfs_quota_us").read_text(encoding="ascii"))
        period_us = int((folder / "cpu.cfs_period_us").read_text(encoding="ascii"))
        return math.inf if quota_us == _NO_QUOTA_US else quota_us / period_us
    return math.inf


def _throttled(folder: Path) -> int:
    lines = (folder / "cpu.stat").read_text(encoding="ascii").splitlines()
    return int(dict(line.split() for line in lines).get("nr_throttled", 0))
