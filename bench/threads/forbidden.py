"""Why the system does not permit sampling a process, and who may."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

_YAMA: Final = Path("/proc/sys/kernel/yama/ptrace_scope")


def forbidden(pid: int) -> str:
    """Return it in a line, with the remedy."""
    try:
        ours = Path(f"/proc/{pid}").stat().st_uid == os.geteuid()
        restricted = _YAMA.read_text(encoding="ascii").strip() != "0"
    except OSError:
        ours = restricted = False
    if ours and restricted:
        return f"process {pid} may be inspected by its parent only: run as root, or sysctl kernel.yama.ptrace_scope=0"
    return f"process {pid} may not be inspected by you: run as its user, or as root"
