"""``gilbench talk``: the tutorial's client. Type a line, see the reply; Q quits."""

from __future__ import annotations

import argparse
import socket
import sys
from collections.abc import Sequence

from loadgen import url
from loadgen.cli.command_line import Parser, run_command
from loadgen.cli.exit_codes import DONE, FAILED
from loadgen.errors import GilbenchError

TIMEOUT_S = 10.0
LINE_ENDS = {"seed": b"", "line": b"\n"}


def main(words: Sequence[str] | None = None) -> int:
    """Talk until Q, the end of input, Ctrl-C or the server ends it; return the exit code."""
    return run_command(parser(), _run, words)


def parser() -> Parser:
    """Return the parser of the command line."""
    made = Parser(
        prog="gilbench talk",
        description="The tutorial's client: type a line, see the reply; Q quits.",
        examples=[
            (
                "gilbench talk 127.0.0.1:8001",
                "to a server started by python3 -m servers threaded --protocol seed",
            ),
            ("gilbench talk 127.0.0.1:9000 --protocol line", "to a server whose messages are lines"),
        ],
        exits={FAILED: "the server could not be reached"},
    )
    made.add_argument("address", type=url.host_and_port, metavar="HOST:PORT", help="address of the server")
    made.add_argument(
        "--protocol",
        choices=LINE_ENDS,
        default="seed",
        help="how messages end: line, with a newline; seed, not at all (default: seed)",
    )
    return made


def _run(chosen: argparse.Namespace) -> int:
    host, port = chosen.address
    try:
        return talk(host, port, LINE_ENDS[chosen.protocol])
    except KeyboardInterrupt:
        print("\ngood-bye")
        return DONE


def talk(host: str, port: int, line_end: bytes = b"") -> int:
    """Send each typed line followed by ``line_end``, and print each reply.

    Raises:
        GilbenchError: the server could not be reached.
    """
    try:
        connection = socket.create_connection((host, port), timeout=TIMEOUT_S)
    except OSError as exc:
        raise GilbenchError(
            f"cannot reach {host}:{port}: {exc.strerror or exc}; start the server, or check the address"
        ) from exc
    prompt = "> " if sys.stdin.isatty() else ""
    with connection:
        while True:
            print(prompt, end="", flush=True)
            typed = sys.stdin.buffer.readline()
            message = typed.rstrip(b"\r\n")
            if not typed or message in {b"Q", b"q"}:
                return _part(connection, line_end)
            if not message:  # nothing would be sent, so nothing would be answered
                continue
            try:
                connection.sendall(message + line_end)
                reply = _reply(connection, line_end)
            except OSError as exc:
                print(f"lost the connection to the server: {exc.strerror or exc}")
                return DONE
            if not reply:
                print("the server closed the connection")
                return DONE
            print(reply.decode(errors="replace").rstrip("\r\n"), flush=True)


def _reply(connection: socket.socket, line_end: bytes) -> bytes:
    reply = received = connection.recv(1024)
    while received and not reply.endswith(line_end):
        received = connection.recv(1024)
        reply += received
    return reply


def _part(connection: socket.socket, line_end: bytes) -> int:
    try:
        connection.sendall(b"Q" + line_end)
    except OSError:
        print("the server had already closed the connection")
        return DONE
    print("good-bye")
    return DONE
