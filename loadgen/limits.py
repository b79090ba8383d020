"""Values that a load may have; light to import, for command lines."""

from __future__ import annotations

from typing import Final

MAX_CONNECTIONS: Final = 100_000
MAX_REQUESTS_PER_CONNECTION: Final = 1_000_000_000
MAX_THREADS: Final = 256
MAX_TRACE: Final = 10_000_000
MAX_COUNT: Final = 10**12
MIN_RPS: Final = 1e-5  # about one a day
MAX_RPS: Final = 100e6  # more than any server does
ARRIVALS: Final = ("constant", "poisson")
ORDERS: Final = ("sequence", "random")
PROTOCOL_NAMES: Final = ("line", "seed", "http", "raw")
SPIN_S: Final = 50e-6
AUTO_CONNECTIONS: Final = 1000
"""Connections that an open loop opens at most where their number is not given."""

COUNT_WITHIN_S: Final = 3600.0
"""Longest duration of a run that ends after a number of requests, where no other is given."""
