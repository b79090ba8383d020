"""Settings of an interpreter that serves, in addition to those of its environment."""

from __future__ import annotations

import gc
import sys
from typing import NamedTuple, Optional


class RuntimeSettings(NamedTuple):
    """Settings of an interpreter; a fork inherits them, another interpreter of the same process does not.

    Attributes:
        switch_interval_s: how long a thread may hold the GIL while others wait; ``None``: unchanged.
        collect: whether the garbage collector runs automatically.
        freeze: whether objects that exist before serving are hidden from the collector (gc.freeze()).
    """

    switch_interval_s: Optional[float] = None
    collect: bool = True
    freeze: bool = False

    def apply(self) -> None:
        if self.switch_interval_s is not None:
            sys.setswitchinterval(self.switch_interval_s)
        if not self.collect:
            gc.disable()
        if self.freeze:
            gc.collect()
            gc.freeze()
