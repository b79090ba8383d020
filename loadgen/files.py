"""How many files a process may have open, connections being files."""

from __future__ import annotations

import resource
from pathlib import Path

from loadgen.errors import GilbenchError

_OTHER_FILES = 32  # that the process may open meanwhile


def allow_files(connections: int) -> None:
    """Raise the limit so that there is room for so many connections.

    Raises:
        GilbenchError: the system does not let it be raised so far.
    """
    needed = sum(1 for _ in Path("/proc/self/fd").iterdir()) + connections + _OTHER_FILES
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if needed <= soft:
        return
    if hard != resource.RLIM_INFINITY and needed > hard:
        raise GilbenchError(f"{needed} open files are needed and the system allows {hard}: type `ulimit -Hn {needed}`")
    resource.setrlimit(resource.RLIMIT_NOFILE, (needed, hard))
