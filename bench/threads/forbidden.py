"""The error message for a process that may not be inspected."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

_YAMA: Final = Path("/proc/sys/kernel/yama/ptrace_scope")


def forbidden(pid: int) -> str:
    """Return the message: the reason in one line, with the remedy."""
    try:
        ours = Path(f"/proc/{pid}").stat().st_uid == os.geteuid()
        restricted = _YAMA.read_text(encoding="ascii").strip() != "0"
    except OSError:
        ours = restricted = False
    if ours and restricted:
        return f"only its parent may inspect process {pid}: run as root, or run sysctl kernel.yama.ptrace_scope=0"
    return f"you may not inspect process {pid}: run as its user, or as root"
