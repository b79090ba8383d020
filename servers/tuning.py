"""What can be set in an interpreter that serves, besides what its environment sets."""

from __future__ import annotations

import gc
import sys
from typing import NamedTuple, Optional


class RuntimeSettings(NamedTuple):
    """How an interpreter is to be set; a fork inherits it, another interpreter of the same process does not.

    Attributes:
        switch_interval_s: how long a thread may keep the GIL while others wait; ``None``: as it is.
        collect: whether the garbage collector runs by itself.
        freeze: whether what is there before serving is moved out of the collector's sight (gc.freeze()).
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
