"""The transports that connections can use."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import NamedTuple

from loadgen.engine.transport import plain
from loadgen.load import Tls


class Transport(NamedTuple):
    """A transport for the engine.

    Attributes:
        carry: compiled for :data:`loadgen.engine.transport.TRANSPORT`.
        context: what ``OPEN`` gets; 0: it needs no channels.
        failure: the reason for a number that ``REASON`` returned.
    """

    carry: Callable[..., int]
    context: int = 0
    failure: Callable[[int], str] = str


@contextlib.contextmanager
def open_transport(tls: Tls | None, host: str) -> Iterator[Transport]:
    """Yield the transport for a server.

    Raises:
        GilbenchError: TLS is not possible.
    """
    if tls is None:
        yield Transport(plain)
        return
    from loadgen.engine import openssl  # noqa: PLC0415 - compiled only where it is needed

    with openssl.context(tls, host) as context:
        yield Transport(openssl.encrypted, context, openssl.failure)
