"""The plan of a comparison: CPU time in interleaved rounds, then reported latencies on servers with known answers."""

from __future__ import annotations

import contextlib
import random
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final, NamedTuple

from loadgen.peers import servers
from loadgen.peers.drivers.report import WARMUP_S
from loadgen.peers.tools import TOOLS, Failed, Tool, drive

Record = dict[str, Any]

STALL_RPS: Final = 1000.0
_STALL_S: Final = 3.0
_STALL_CONNECTIONS: Final = 256  # enough users to keep asking during the stall
_CLOSED_CONNECTIONS: Final = 4
MOST_SECURE: Final = 1000


class Known(NamedTuple):
    """A server whose percentiles are known.

    Attributes:
        server: one of :mod:`loadgen.peers.servers`.
        title: its behaviour.
        p50_ns: the median that its users see.
        p99_ns: the 99th percentile that they see.
        seconds: length of a run.
        rate_rps: the rate of its users' requests, for generators that have an open loop; all run a closed loop as well.
    """

    server: str
    title: str
    p50_ns: float
    p99_ns: float
    seconds: float
    rate_rps: float | None = None


def _stall_p99_ns() -> float:
    # At a constant rate, requests during the stall wait for the rest of it: uniform from 0 to its length.
    share = servers.FREEZE_S / _STALL_S
    return servers.FREEZE_S * (1 - 0.01 / share) * 1e9


KNOWN: Final = (
    Known(
        "delays",
        f"each reply takes {servers.QUICK_S * 1e3:.0f} ms, every 50th {servers.SLOW_S * 1e3:.0f} ms",
        servers.QUICK_S * 1e9,
        servers.SLOW_S * 1e9,
        3.0,
    ),
    Known(
        "stall",
        f"{STALL_RPS:,.0f} requests/s; the server stops for {servers.FREEZE_S:g} of {_STALL_S:g} s",
        servers.STALL_REPLY_S * 1e9,
        _stall_p99_ns(),
        _STALL_S,
        STALL_RPS,
    ),
)


class Cell(NamedTuple):
    """One load on one server, run by every generator that can."""

    server: str
    connections: int
    tools: tuple[str, ...]


def cells(server_names: Sequence[str], connections: Sequence[int], tools: Sequence[str]) -> list[Cell]:
    """Return the cells of a round."""
    found = [
        Cell(server, number, tuple(name for name in tools if _fits(TOOLS[name], server, number)))
        for server in server_names
        for number in connections
    ]
    return [cell for cell in found if cell.tools]


def _fits(tool: Tool, server: str, connections: int) -> bool:
    """Return whether a tool is run: over HTTPS up to as many handshakes as a server does within a time-out."""
    if server in servers.SECURE:
        return tool.secure and connections <= MOST_SECURE
    return connections <= tool.most_connections


def measure(
    planned: Sequence[Cell],
    rounds: int,
    seconds: float,
    known_tools: Sequence[str],
    *,
    seed: int,
    tell: Callable[[str], None],
) -> Iterator[Record]:
    """Yield a record for each run, with ``error`` in it if the run failed; each round is in random order.

    Raises:
        GilbenchError: a server did not start.
    """
    order = random.Random(seed)  # noqa: S311 - an order, not a secret
    with contextlib.ExitStack() as stack:
        ports = {name: stack.enter_context(servers.SERVERS[name]()) for name in {cell.server for cell in planned}}
        for number in range(rounds):
            for cell in order.sample(list(planned), len(planned)):
                tell(f"round {number + 1} of {rounds}: {cell.server}, {cell.connections:,} connections")
                for tool in order.sample(cell.tools, len(cell.tools)):
                    about = {"kind": "cost", "round": number, "server": cell.server, "connections": cell.connections}
                    yield about | _driven(
                        tool, ports[cell.server], cell.connections, seconds, secure=cell.server in servers.SECURE
                    )
    for known in KNOWN:
        for tool, rate_rps in _loops(known, known_tools):
            tell(f"known answers: {known.server}, {TOOLS[tool].title}")
            connections = _CLOSED_CONNECTIONS if rate_rps is None else _STALL_CONNECTIONS
            about = {"kind": "known", "server": known.server, "connections": connections, "rate_rps": rate_rps}
            with servers.own(known.server) as port:
                yield about | _driven(tool, port, connections, known.seconds, rate_rps)


def _loops(known: Known, tools: Sequence[str]) -> list[tuple[str, float | None]]:
    """Return each generator that reports latencies, with the rate of its open loop or ``None`` for a closed loop."""
    telling = [tool for tool in tools if TOOLS[tool].tells_latency]
    rates = [(tool, known.rate_rps) for tool in telling if TOOLS[tool].open_loop and known.rate_rps is not None]
    return [*rates, *((tool, None) for tool in telling)]


def _driven(  # noqa: PLR0917 - what a run is
    tool: str, port: int, connections: int, seconds: float, rate_rps: float | None = None, secure: bool = False
) -> Record:
    try:
        return {"tool": tool} | drive(tool, port, connections, seconds, rate_rps, secure)._asdict()
    except Failed as exc:
        return {"tool": tool, "error": str(exc)}


def minutes(planned: Sequence[Cell], rounds: int, seconds: float) -> float:
    """Return the approximate length of a comparison."""
    runs = rounds * sum(len(cell.tools) for cell in planned)
    return runs * (seconds + WARMUP_S + 1.0) / 60 + 0.7
