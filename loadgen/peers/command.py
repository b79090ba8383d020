"""``gilbench peers``: compare the load generators and show the result."""

from __future__ import annotations

import argparse
import json
import os
import random
import re
import signal
import time
from collections.abc import Callable, Collection, Sequence
from pathlib import Path

from loadgen.cli.command_line import Parser, run_command
from loadgen.cli.exit_codes import DONE, EXIT_CODES, FAILED, INTERRUPTED
from loadgen.cli.outputs import say
from loadgen.duration import duration_s
from loadgen.errors import GilbenchError, InvalidInput
from loadgen.files import allow_files
from loadgen.limits import MAX_CONNECTIONS
from loadgen.nearest import unknown
from loadgen.peers import plan, plot, servers, table
from loadgen.peers.tools import TOOLS

_CONNECTIONS = (1, 8, 64, 1000, 10_000)
_RESULTS = Path("results", "peers")


def main(words: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code."""
    return run_command(parser(), _run, words)


def _run(chosen: argparse.Namespace) -> int:
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # end the processes that it started, as on Ctrl-C
    absent = {name: why for name, tool in TOOLS.items() if name in chosen.tools and (why := tool.missing())}
    absent |= {name: why for name in chosen.servers if (why := servers.missing(name))}
    tools = [name for name in chosen.tools if name not in absent]
    planned = plan.cells([name for name in chosen.servers if name not in absent], chosen.connections, tools)
    if not planned or not tools:
        raise InvalidInput(f"nothing left to measure: {', '.join(absent.values())}")
    allow_files(max(chosen.connections))
    folder = Path(chosen.output or time.strftime(f"{_RESULTS}/%Y%m%dT%H%M%SZ", time.gmtime()))
    return _measure(chosen, folder, planned, tools, absent)


def _measure(
    chosen: argparse.Namespace, folder: Path, planned: Sequence[plan.Cell], tools: Sequence[str], absent: dict[str, str]
) -> int:
    for why in absent.values():
        say(f"left out: {why}")
    say(f"about {plan.minutes(planned, chosen.rounds, chosen.seconds):.0f} min; results in {folder}")
    versions = {TOOLS[name].title: TOOLS[name].version() for name in tools}
    versions |= {name: servers.version(name) for name in {cell.server for cell in planned}}
    records: list[plan.Record] = []
    code = DONE
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / "peers.jsonl").open("w", encoding="utf-8") as kept:
            head = {"kind": "run", "seed": chosen.seed, "versions": versions, "absent": absent, "cpus": os.cpu_count()}
            kept.write(json.dumps(head) + "\n")
            try:
                for record in plan.measure(planned, chosen.rounds, chosen.seconds, tools, seed=chosen.seed, tell=say):
                    records.append(record)
                    kept.write(json.dumps(record) + "\n")
                    kept.flush()
            except KeyboardInterrupt:
                say("interrupted: showing what was measured so far")
                code = INTERRUPTED
        text = table.render(records, absent, versions)
        (folder / "peers.md").write_text(text, encoding="utf-8")
        print(text, end="")
        if any(record["kind"] == "cost" and "error" not in record for record in records):
            for name in ("peers.svg", "peers.png"):
                (folder / name).write_bytes(plot.draw(records, name))
    except OSError as exc:
        raise GilbenchError(
            f"cannot write {folder}: {exc.strerror}; free some space, or choose another --output"
        ) from exc
    return code or (FAILED if any("error" in record for record in records) else DONE)


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
    known = servers.SERVERS
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
