"""Kinds of failed requests: their names, and their numbers in compiled code."""

from __future__ import annotations

ERRORS = (
    "refused",
    "connect_timeout",
    "reset",
    "closed_early",
    "reply_timeout",
    "wrong_reply",
    "protocol",
    "http_4xx",
    "http_5xx",
    "no_socket",
    "late",
    "handler_failed",
    "no_handshake",
)
"""Kinds of failed requests; their numbers index ``counted``, after the requests answered correctly.

In the open loop, ``late`` requests were answered but sent later than intended because the generator was busy.
"""

(
    REFUSED,
    CONNECT_TIMEOUT,
    RESET,
    CLOSED_EARLY,
    REPLY_TIMEOUT,
    WRONG_REPLY,
    BROKEN_PROTOCOL,
    HTTP_4XX,
    HTTP_5XX,
    NO_SOCKET,
    LATE,
    HANDLER_FAILED,
    NO_HANDSHAKE,
) = range(len(ERRORS))
