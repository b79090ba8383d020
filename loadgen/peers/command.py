"""``gilbench peers``: compare the load generators and show the result."""

from __future__ import annotations

import argparse
import random
import re
from collections.abc import Callable, Collection, Sequence
from typing import Final

from loadgen.cli.command_line import Parser, deferred, run_command
from loadgen.cli.exit_codes import EXIT_CODES, FAILED, INTERRUPTED
from loadgen.duration import duration_s
from loadgen.limits import MAX_CONNECTIONS
from loadgen.nearest import unknown
from loadgen.peers.tools import TOOLS

SERVERS: Final = ("responder", "nginx", "nginx-tls")
_CONNECTIONS: Final = (1, 8, 64, 1000, 10_000)


def main(words: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code."""
    return run_command(parser(), deferred("loadgen.peers.measuring", compiles=True), words)


def parser() -> Parser:
    """Return the parser of the command line."""
    made = Parser(
        prog="gilbench peers",
        description="Compare the load generator with wrk, Locust and others in interleaved rounds: the CPU time that "
        "each needs per request, and the latency that each reports for the same server.",
        examples=[
            ("gilbench peers", "all generators and servers that are installed"),
            ("gilbench peers --rounds 1 --connections 8 --tools gilbench,floor", "a quick comparison, in a minute"),
        ],
        exits={FAILED: "a run failed", INTERRUPTED: EXIT_CODES[INTERRUPTED]},
    )
    add = made.add_argument
    add("--rounds", type=_rounds, default=7, metavar="N", help="number of interleaved rounds (default: 7)")
    add("--seconds", type=duration_s, default=1.0, metavar="T", help="length of a run, in whole seconds (default: 1s)")
    add(
        "--connections",
        type=_numbers,
        default=_CONNECTIONS,
        metavar="N,N",
        help="numbers of connections (default: 1,8,64,1000,10000)",
    )
    add(
        "--tools",
        type=_parse_names(TOOLS),
        default=tuple(TOOLS),
        metavar="A,B",
        help=f"generators to run, of {', '.join(TOOLS)} (default: all)",
    )
    known = SERVERS
    add(
        "--servers",
        type=_parse_names(known),
        default=tuple(known),
        metavar="A,B",
        help=f"servers to run them on, of {', '.join(known)} (default: all)",
    )
    add(
        "--seed",
        type=int,
        default=random.SystemRandom().randrange(2**31),
        metavar="N",
        help="seed of the random order (default: a random one)",
    )
    add("--output", metavar="FOLDER", help="folder for the results (default: results/peers and the time)")
    return made


def _rounds(text: str) -> int:
    if not re.fullmatch(r"[1-9]\d{0,3}", text):
        raise argparse.ArgumentTypeError(f"invalid number of rounds {text!r}: use 1 to 9999")
    return int(text)


def _numbers(text: str) -> tuple[int, ...]:
    parts = text.split(",")
    if not all(part.isdigit() and 0 < int(part) <= MAX_CONNECTIONS for part in parts):
        raise argparse.ArgumentTypeError(f"invalid numbers of connections {text!r}: use for example 1,8,64")
    return tuple(sorted(set(map(int, parts))))


def _parse_names(known: Collection[str]) -> Callable[[str], tuple[str, ...]]:
    def names(text: str) -> tuple[str, ...]:
        for name in text.split(","):
            if name not in known:
                raise argparse.ArgumentTypeError(unknown(name, known))
        return tuple(name for name in known if name in text.split(","))

    return names
