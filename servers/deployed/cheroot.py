"""cheroot: CherryPy's server, a thread for the connections and a pool for the work. Source: https://cheroot.cherrypy.dev."""

from __future__ import annotations

from typing import List

from . import WATCHDOG_S, Ways

PROGRAM = "cheroot"


def arguments(ways: Ways) -> List[str]:
    return [
        *("--bind", ways.address),
        *("--threads", str(ways.threads)),
        *("--timeout", str(WATCHDOG_S)),
        ways.application,
    ]
