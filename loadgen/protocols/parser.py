"""The interface of a protocol's parser: one compiled function that receives a reply in pieces, cut at any byte.

``parse(state, data, size, memory, numbers) -> int``

state
    int64[PARSER_WORDS], one for each connection, all 0 when a request is sent, but for word ``KIND``, which is the
    request's kind (:class:`~loadgen.protocols.Protocol`). Words ``STATUS`` and ``WILL_CLOSE`` are read once the reply
    is complete: an HTTP status (0: none; ``FAILED``: the server's handler failed), and whether the server will close
    the connection. The other words are the parser's.
data, size
    the next ``size`` bytes of the stream; 0 bytes mean that the server has ended it.
memory, numbers
    uint8[:] and int64[16], the protocol's, shared by the connections of an engine thread; their initial contents are
    those of the protocol.

It returns the number of bytes of ``data`` that complete the reply, or ``MORE``, ``WRONG`` (not the expected reply),
``PROTOCOL`` (not a reply at all), or ``DONE`` (the end of the stream completes it).
"""

from __future__ import annotations

from numba import types

MORE, WRONG, PROTOCOL, DONE = 0, -1, -2, -3

STATUS, WILL_CLOSE = 0, 1
FAILED = 600  # above all HTTP statuses
KIND = 2
OWN = 3  # first of the parser's own words
PARSER_WORDS = 8
NUMBERS = 16

PARSE = types.int64(
    types.Array(types.int64, 1, "C"),
    types.Array(types.uint8, 1, "C"),
    types.int64,
    types.Array(types.uint8, 1, "C"),
    types.Array(types.int64, 1, "C"),
)
