"""What is measured: costs in interleaved rounds, then what each generator says of servers whose answers are known."""

from __future__ import annotations

import contextlib
import random
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final, NamedTuple

from loadgen.peers import servers
from loadgen.peers.drivers.report import WARMUP_S
from loadgen.peers.tools import TOOLS, Failed, drive

Record = dict[str, Any]

STALL_RPS: Final = 1000.0
_STALL_S: Final = 3.0
_STALL_CONNECTIONS: Final = 256  # as many users as it takes to go on asking during the stall
_CLOSED_CONNECTIONS: Final = 4


class Known(NamedTuple):
    """A server of which the percentiles are known.

    Attributes:
        server: one of :mod:`loadgen.peers.servers`.
        title: what it does.
        p50_ns: the median that its users see.
        p99_ns: and the 99th percentile.
        seconds: how long it is asked.
        rate_rps: the rate at which its users ask; generators that know no rate ask in a closed loop.
    """

    server: str
    title: str
    p50_ns: float
    p99_ns: float
    seconds: float
    rate_rps: float | None = None


def _stall_p99_ns() -> float:
    # At a constant rate those who come during the stall wait for what is left of it: uniform from 0 to its length.
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
    """One load on one server, put on by every generator that can."""

    server: str
    connections: int
    tools: tuple[str, ...]


def cells(server_names: Sequence[str], connections: Sequence[int], tools: Sequence[str]) -> list[Cell]:
    """Return what a round consists of."""
    return [
        Cell(server, number, tuple(name for name in tools if number <= TOOLS[name].most_connections))
        for server in server_names
        for number in connections
    ]


def measure(
    planned: Sequence[Cell],
    rounds: int,
    seconds: float,
    known_tools: Sequence[str],
    *,
    seed: int,
    tell: Callable[[str], None],
) -> Iterator[Record]:
    """Yield a record a run, ``error`` in it where one failed; in each round everything is in random order.

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
                    yield about | _driven(tool, ports[cell.server], cell.connections, seconds)
    for known in KNOWN:
        for tool, rate_rps in _loops(known, known_tools):
            tell(f"known answers: {known.server}, {TOOLS[tool].title}")
            connections = _CLOSED_CONNECTIONS if rate_rps is None else _STALL_CONNECTIONS
            about = {"kind": "known", "server": known.server, "connections": connections, "rate_rps": rate_rps}
            with servers.own(known.server) as port:
                yield about | _driven(tool, port, connections, known.seconds, rate_rps)


def _loops(known: Known, tools: Sequence[str]) -> list[tuple[str, float | None]]:
    """Return each generator that reports latencies with the rates at which it asks, ``None`` for a closed loop."""
    telling = [tool for tool in tools if TOOLS[tool].tells_latency]
    rates = [(tool, known.rate_rps) for tool in telling if TOOLS[tool].open_loop and known.rate_rps is not None]
    return [*rates, *((tool, None) for tool in telling)]


def _driven(tool: str, port: int, connections: int, seconds: float, rate_rps: float | None = None) -> Record:
    try:
        return {"tool": tool} | drive(tool, port, connections, seconds, rate_rps)._asdict()
    except Failed as exc:
        return {"tool": tool, "error": str(exc)}


def minutes(planned: Sequence[Cell], rounds: int, seconds: float) -> float:
    """Return about how long it takes."""
    runs = rounds * sum(len(cell.tools) for cell in planned)
    return runs * (seconds + WARMUP_S + 1.0) / 60 + 0.7
