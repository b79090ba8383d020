"""The command line of the load generator: options in, a summary for people or JSON for programs out."""

from __future__ import annotations

import ipaddress
import json
import signal
import socket
import sys
import textwrap
import threading
from pathlib import Path
from typing import Any

from loadgen import options
from loadgen.errors import GilbenchError
from loadgen.load import Load
from loadgen.result import LoadResult
from loadgen.run import run
from loadgen.wires import WIRES

WORDING = {
    "errors": "requests failed: {kinds}; the figures tell only of those that did not",
    "few_requests": "only {requests} requests: p99 and above say little; measure for longer",
    "generator_busy": "the generator was busy {utilisation:.0%} of the time and may have been the bottleneck",
    "littles_law": "clients and throughput × latency differ by {residual:+.1%} (Little's law): distrust the latency",
    "short_window": "requests that straddle the window's edges are {straddling:.0%} of the time: measure for longer",
}
"""How each warning is told, and what to do."""

_COLUMNS = 80
_NO_BREAK = "\N{NO-BREAK SPACE}"


def main(argv: list[str]) -> int:
    """Run the command; return 0, 1 when something failed, 130 when interrupted. Wrong options exit with 2."""
    parser = _parser()
    chosen = parser.parse_args(argv)
    host, port = chosen.address
    try:
        load = Load(
            host=host,
            port=port,
            wire=chosen.wire,
            connections=chosen.connections,
            duration_s=chosen.duration,
            warmup_s=chosen.warmup,
            conversation=chosen.conversation,
            timeout_s=chosen.timeout,
        )
    except GilbenchError as problem:
        parser.error(str(problem))
    try:
        if not chosen.allow_remote:
            _refuse_remote(host)
        result, interrupted = _run(load)
        text = json.dumps(result.to_dict())
        if chosen.json == "-":
            print(text)
        else:
            print(render(result))
            if chosen.json:
                _write(Path(chosen.json), text)
    except GilbenchError as problem:
        print(f"{parser.prog}: error: {problem}", file=sys.stderr)
        return 1
    if interrupted:
        print("interrupted: the figures tell of the time until then", file=sys.stderr)
        return 130
    if not result.requests:
        print(f"{parser.prog}: error: no request was answered by {host}:{port}; is it the right one?", file=sys.stderr)
        return 1
    return 0


def render(result: LoadResult) -> str:
    """Return the summary as text of at most 80 columns."""
    shown = result.to_dict()
    load = result.load
    lasting = "keepalive" if load.conversation is None else f"{load.conversation} requests a connection"
    lines = [
        f"{load.host}:{load.port}  wire {load.wire}  closed loop, {load.connections} clients, {lasting}",
        "",
        f"throughput  {result.throughput_rps:>12,.1f} requests/s   {result.requests:,} in {result.wall_s:.3f} s",
        f"latency     {_times(shown['latency_ns'])}",
        f"connect     {_times(shown['connect_ns'])}",
        f"generator   {result.utilisation:>12.1%} busy         {result.cpu_s:.3f} s of CPU",
    ]
    if result.unfinished:
        lines.append(f"unfinished  {result.unfinished:>12} in flight    for {result.oldest_unfinished_s:.3f} s at most")
    lines += [f"warning: {wording(warning)}" for warning in result.warnings()]
    return "\n".join(_wrapped(line) for line in lines)


def wording(warning: dict[str, Any]) -> str:
    """Return the sentence for a warning."""
    kinds = ", ".join(f"{count:,} {kind}" for kind, count in warning.get("kinds", {}).items())
    return WORDING[warning["code"]].format(**(warning | {"kinds": kinds}))


def _wrapped(line: str) -> str:
    broken = textwrap.wrap(line, _COLUMNS, subsequent_indent=12 * " ", break_on_hyphens=False)
    return "\n".join(broken).replace(_NO_BREAK, " ")


def _times(times: dict[str, Any]) -> str:
    told = [f"{name}{_NO_BREAK}{_time(value)}" for name, value in times.items() if value is not None]
    return "  ".join(told) or "none"


def _time(value_ns: float) -> str:
    unit, size = next((row for row in (("s", 1e9), ("ms", 1e6)) if value_ns >= 0.9995 * row[1]), ("µs", 1e3))
    value = value_ns / size
    return f"{value:,.0f}{_NO_BREAK}{unit}" if value >= 999.5 else f"{value:.3g}{_NO_BREAK}{unit}"


def _run(load: Load) -> tuple[LoadResult, bool]:
    """Run the load; on SIGINT or SIGTERM end it at once and still return what was measured."""
    cancel = threading.Event()
    stopping = (signal.SIGINT, signal.SIGTERM)
    previous = [signal.signal(number, lambda *_: cancel.set()) for number in stopping]
    try:
        return run(load, cancel=cancel), cancel.is_set()
    finally:
        for number, handler in zip(stopping, previous, strict=True):
            signal.signal(number, handler)


def _refuse_remote(host: str) -> None:
    try:
        addresses = {entry[4][0] for entry in socket.getaddrinfo(host, None)}
    except OSError as problem:
        raise GilbenchError(f"cannot find the host {host!r}: {problem.strerror}; give a name or address") from problem
    if not all(ipaddress.ip_address(address).is_loopback for address in addresses):
        raise GilbenchError(f"{host} is not this machine: add --allow-remote if its owner agrees to be put under load")


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text + "\n", encoding="utf-8")
    except OSError as problem:
        raise GilbenchError(f"cannot write {path}: {problem.strerror}; choose another file with --json") from problem


def _parser() -> options.Parser:
    parser = options.Parser(
        prog="python -m loadgen",
        description="Put a closed-loop load on a TCP server and measure throughput and latency.",
        epilog="`python -m loadgen talk HOST:PORT` talks to a server by hand.",
    )
    parser.add_argument("address", type=options.host_and_port, metavar="HOST:PORT")
    parser.add_argument("--wire", choices=WIRES, default="line", help="how requests look (default: line)")
    parser.add_argument("--connections", type=int, default=1, metavar="N", help="clients (default: 1)")
    parser.add_argument(
        "--duration", type=options.duration_s, default=5.0, metavar="T", help="as 5s or 1m (default: 5s)"
    )
    parser.add_argument("--warmup", type=options.duration_s, default=1.0, metavar="T", help="before it (default: 1s)")
    parser.add_argument(
        "--conversation",
        type=options.requests_a_connection,
        default=None,
        metavar="R|keepalive",
        help="requests before a client connects anew (default: keepalive)",
    )
    parser.add_argument(
        "--timeout", type=options.duration_s, default=5.0, metavar="T", help="for a reply (default: 5s)"
    )
    parser.add_argument("--json", metavar="FILE", help="write the result as JSON; - for standard output alone")
    parser.add_argument("--allow-remote", action="store_true", help="permit a server that is not on this machine")
    return parser
