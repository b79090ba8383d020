"""waitress: a thread for the connections and a pool for the work. Source: https://docs.pylonsproject.org."""

from __future__ import annotations

from typing import List

from . import WATCHDOG_S, Ways

PROGRAM = "waitress"


def arguments(ways: Ways) -> List[str]:
    return [
        *("--listen", ways.address),
        *("--threads", str(ways.threads)),
        *("--connection-limit", "10000"),
        *("--channel-timeout", str(WATCHDOG_S)),
        ways.application,
    ]
