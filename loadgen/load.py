"""What load to put on which server."""

from __future__ import annotations

from dataclasses import dataclass

from loadgen.errors import GilbenchError
from loadgen.wires import WIRES

MAX_CONNECTIONS = 100_000
MAX_CONVERSATION = 1_000_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """A closed loop of so many clients.

    Attributes:
        host: name or address of the server.
        port: its TCP port.
        wire: a key of :data:`loadgen.wires.WIRES`.
        connections: clients; each has one connection at a time and one request in flight.
        duration_s: length of the measured window.
        warmup_s: load of the same kind before it, not measured.
        conversation: requests per connection before the client connects anew; ``None``: keepalive.
        timeout_s: how long connecting, and then a reply, may take before it is counted as an error.

    Raises:
        GilbenchError: a value makes no sense; the message says which would.
    """

    host: str
    port: int
    wire: str = "line"
    connections: int = 1
    duration_s: float = 1.0
    warmup_s: float = 0.0
    conversation: int | None = None
    timeout_s: float = 5.0

    def __post_init__(self) -> None:
        for wrong, remedy in (
            (self.wire not in WIRES, f"unknown wire {self.wire!r}: choose from {', '.join(WIRES)}"),
            (not 0 < self.port < 65536, f"port {self.port} is not between 1 and 65535"),
            (not 0 < self.connections <= MAX_CONNECTIONS, f"connections must be from 1 to {MAX_CONNECTIONS:,}"),
            (not 0 < self.duration_s <= 86400, "the duration must be above 0 and at most a day"),
            (not 0 <= self.warmup_s <= 86400, "the warm-up must be 0 or more and at most a day"),
            (not 0 < self.timeout_s <= 3600, "the time-out must be above 0 and at most an hour"),
            (
                self.conversation is not None and not 0 < self.conversation <= MAX_CONVERSATION,
                f"a conversation has from 1 to {MAX_CONVERSATION:,} requests",
            ),
        ):
            if wrong:
                raise GilbenchError(remedy)
