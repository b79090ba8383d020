"""What a protocol's parser is: one compiled function that is fed a reply as it comes in, cut at any byte.

``parse(state, data, size, memory, numbers) -> int``

state
    int64[PARSER_WORDS], this connection's own, all 0 when a request is sent. Words ``STATUS`` and ``WILL_CLOSE`` are
    read once the reply is complete: an HTTP status (0: none; ``FAILED``: the server's handler did), and whether the
    server will close the connection. The others are the parser's.
data, size
    the next ``size`` bytes of the stream; 0 of them means that the server has ended it.
memory, numbers
    uint8[:] and int64[16], the protocol's own, shared by the connections of an engine thread; they begin as the
    protocol says.

It returns how many bytes of ``data`` complete the reply, or ``MORE``, ``WRONG`` (not the reply that was asked for),
``PROTOCOL`` (not a reply at all), or ``DONE`` (the end of the stream completes it).
"""

from __future__ import annotations

from numba import types

MORE, WRONG, PROTOCOL, DONE = 0, -1, -2, -3

STATUS, WILL_CLOSE = 0, 1
FAILED = 600  # beyond HTTP's
OWN = 2  # first of the words that are the parser's own
PARSER_WORDS = 8
NUMBERS = 16

PARSE = types.int64(
    types.Array(types.int64, 1, "C"),
    types.Array(types.uint8, 1, "C"),
    types.int64,
    types.Array(types.uint8, 1, "C"),
    types.Array(types.int64, 1, "C"),
)
