"""The lock that a process holds while it measures: two runs at once would measure each other."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

from bench.errors import GilbenchError

if os.name == "posix":
    import fcntl


@contextlib.contextmanager
def only_run() -> Iterator[None]:
    """Hold the lock for measuring: two runs at once would measure each other.

    Raises:
        GilbenchError: another run is measuring.
    """
    # In the common temporary folder, so that other checkouts are seen too; the lock ends with the process.
    path = Path(tempfile.gettempdir()) / f"gilbench-{os.getuid()}.lock"
    try:
        fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    except OSError as exc:
        raise GilbenchError(f"cannot open {path}: {exc.strerror}; set TMPDIR to a folder that you own") from exc
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        other = os.read(fd, 20).decode(errors="replace").strip() or "unknown"
        os.close(fd)
        raise GilbenchError(f"another run is measuring (process {other}): wait until it ends, or stop it") from None
    try:
        os.truncate(fd, 0)
        os.write(fd, str(os.getpid()).encode())
        yield
    finally:
        os.close(fd)
