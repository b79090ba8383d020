"""Values that hold for every run unless its options say otherwise."""

from __future__ import annotations

from typing import Final

WARMUP_JIT_S: Final = 0.6
"""Warm-up if an interpreter has its JIT on."""

SETTLE_S: Final = 0.01
"""Unmeasured load before the second and later windows of a launch."""

THREAD_ACCOUNTING_FROM_S: Final = 0.2
"""Length of the shortest window in which threads are sampled often enough."""

COMPUTING_CLIENTS: Final = (0, 1, 2, 4)
"""Numbers of computing clients with ``mixed``, unless one is given."""
