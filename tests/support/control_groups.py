"""Control groups for tests that act out a quota or a freezer, where this user may make some."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support.until import until

_ROOT = Path("/sys/fs/cgroup")


@contextmanager
def control_group(controller: str) -> Iterator[tuple[Path, bool]]:
    """Make a group, and yield its folder and whether it is of version 1, with this controller; skip if none can be."""
    first_version = (_ROOT / controller).is_dir()
    folder = (_ROOT / controller if first_version else _ROOT) / f"gilbench-test-{os.getpid()}"
    try:
        folder.mkdir()
    except OSError as exc:
        pytest.skip(f"no control group can be made here: {exc.strerror}")
    try:
        yield folder, first_version
    finally:
        assert until(lambda: not (folder / "cgroup.procs").read_text())
        folder.rmdir()
