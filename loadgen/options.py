"""Reading what users type: addresses, durations, and one-line errors."""

from __future__ import annotations

import argparse
import re
from typing import NoReturn

from loadgen.load import MAX_CONVERSATION

_UNITS_S = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "": 1.0}


class Parser(argparse.ArgumentParser):
    """An argument parser whose errors are one line."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: error: {message}\n")


def duration_s(text: str) -> float:
    """Read ``500ms``, ``5s``, ``3m``, ``1h`` or plain seconds, and return seconds.

    Raises:
        argparse.ArgumentTypeError: ``text`` is nothing of the kind.
    """
    match = re.fullmatch(r"(\d+(?:\.\d+)?)(ms|s|m|h|)", text.strip())
    if not match:
        raise argparse.ArgumentTypeError(f"{text!r} is no duration: write 500ms, 5s, 3m or 1h")
    return float(match[1]) * _UNITS_S[match[2]]


def host_and_port(text: str) -> tuple[str, int]:
    """Read ``HOST:PORT`` or ``[IPV6]:PORT``.

    Raises:
        argparse.ArgumentTypeError: ``text`` is neither.
    """
    match = re.fullmatch(r"(?:\[(?P<v6>[^\]]+)\]|(?P<host>[^:\[\]]+)):(?P<port>\d{1,5})", text)
    if not match or not 0 < int(match["port"]) < 65536:
        raise argparse.ArgumentTypeError(f"{text!r} is no address: write HOST:PORT, as in 127.0.0.1:8001")
    host = match["v6"] or match["host"]
    try:
        host.encode("idna")
    except UnicodeError as problem:
        raise argparse.ArgumentTypeError(f"{host!r} is no name of a host: {problem}") from problem
    return host, int(match["port"])


def requests_a_connection(text: str) -> int | None:
    """Read the length of a conversation: a number of requests, or ``keepalive`` (``None``).

    Raises:
        argparse.ArgumentTypeError: ``text`` is neither.
    """
    if text == "keepalive":
        return None
    if not re.fullmatch(r"\d{1,10}", text) or not 0 < int(text) <= MAX_CONVERSATION:
        raise argparse.ArgumentTypeError(
            f"{text!r} is neither a number of requests from 1 to {MAX_CONVERSATION:,} nor 'keepalive'"
        )
    return int(text)
