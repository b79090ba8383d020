"""The limit on open files, which include connections."""

from __future__ import annotations

import resource
import sys
from pathlib import Path

from loadgen.errors import GilbenchError

_OTHER_FILES = 32  # other files that the process may open meanwhile


def room_for_files() -> int:
    """Return how many more files this process may open at most."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    taken = sum(1 for _ in Path("/proc/self/fd").iterdir()) + _OTHER_FILES
    return sys.maxsize if hard == resource.RLIM_INFINITY else hard - taken


def allow_files(connections: int) -> None:
    """Raise the limit on open files to make room for ``connections``.

    Raises:
        GilbenchError: the system does not allow a limit that high.
    """
    needed = sum(1 for _ in Path("/proc/self/fd").iterdir()) + connections + _OTHER_FILES
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if needed <= soft:
        return
    if hard != resource.RLIM_INFINITY and needed > hard:
        raise GilbenchError(
            f"{needed} open files are needed, but the limit is {hard}: as root, raise it with `ulimit -Hn {needed}`"
        )
    resource.setrlimit(resource.RLIMIT_NOFILE, (needed, hard))
