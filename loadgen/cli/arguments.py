"""The arguments of the command line, and the load that they describe."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Final

from loadgen.cli import options
from loadgen.cli.command_line import Parser
from loadgen.cli.exit_codes import EXIT_CODES, FAILED, MISSED
from loadgen.duration import duration_s
from loadgen.errors import GilbenchError
from loadgen.load import ARRIVALS, ORDERS, Load
from loadgen.objective import read_objective, read_objectives
from loadgen.protocols import PROTOCOLS, Protocol, http_protocol, raw_protocol
from loadgen.protocols.http1 import request
from loadgen.varied import expand, read_requests, template


def load(chosen: argparse.Namespace) -> Load:
    """Return the load that the arguments describe.

    Raises:
        GilbenchError: arguments contradict each other, or a file cannot be read.
    """
    host, port, path = chosen.address
    if chosen.stages and chosen.duration is not None:
        raise GilbenchError("--stages sets the duration: leave --duration out")
    if chosen.find_capacity and chosen.stages:
        raise GilbenchError("--find-capacity sets the rates: leave --stages out")
    if not (chosen.rate or chosen.stages or chosen.find_capacity) and chosen.arrivals:
        raise GilbenchError("--arrivals needs the open loop: give --rate or --stages, or leave --arrivals out")
    return Load(
        host=host,
        port=port,
        protocol=_protocol(chosen, path),
        connections=chosen.connections,
        duration_s=5.0 if chosen.duration is None else chosen.duration,
        warmup_s=chosen.warmup,
        requests_per_connection=chosen.requests_per_connection,
        timeout_s=chosen.timeout,
        connect_timeout_s=chosen.connect_timeout,
        rate_rps=chosen.rate,
        stages=chosen.stages or (),
        arrivals=chosen.arrivals or "constant",
        seed=chosen.seed,
        order=chosen.order,
        threads=chosen.threads,
        connect_rate=chosen.connect_rate,
        late_s=chosen.late,
        spin_s=chosen.spin,
    )


_LINE_ENDS: Final = {"line": b"\n"}

_PROTOCOL_OPTIONS: Final = {
    "http": ("method", "header", "body"),
    "raw": ("expect", "reply_length", "reply_delimiter", "quit_with"),
}


def _protocol(chosen: argparse.Namespace, path: str | None) -> str | Protocol:
    name: str = chosen.protocol or ("http" if path is not None else "line")
    for other, own in _PROTOCOL_OPTIONS.items():
        for option in own:
            if getattr(chosen, option) and other != name:
                raise GilbenchError(f"--{option.replace('_', '-')} needs --protocol {other}, not {name}")
    if path is not None and name != "http":
        raise GilbenchError(f"a URL needs --protocol http: give HOST:PORT for {name}")
    payload = tuple(_payload(chosen))
    if name == "http":
        host, port, _ = chosen.address
        body = _read(chosen.body) if chosen.body else b""
        where = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        requests = payload or [
            request(where, text, method=chosen.method or "GET", headers=chosen.header or (), body=body)
            for text in _texts(chosen, path or "/")
        ]
        return http_protocol(requests, head=chosen.method == "HEAD")
    payload = payload or tuple(text.encode() + _LINE_ENDS.get(name, b"") for text in _texts(chosen))
    if name == "raw":
        if not payload:
            raise GilbenchError("--protocol raw needs requests: give --payload FILE, --request or --requests")
        return raw_protocol(
            payload,
            expect=_read(chosen.expect) if chosen.expect else b"",
            length=chosen.reply_length or 0,
            delimiter=chosen.reply_delimiter or b"",
            quit_with=chosen.quit_with or b"",
        )
    return PROTOCOLS[name]._replace(requests=payload) if payload else name


def _texts(chosen: argparse.Namespace, path: str = "") -> tuple[str, ...]:
    """Return the requests that are given as text; of a URL its path, which may be a template."""
    given = [option for option in ("payload", "request", "requests") if getattr(chosen, option)]
    if len(given) > 1:
        raise GilbenchError(f"--{given[0]} and --{given[1]} both give the requests: leave one out")
    if chosen.requests:
        return read_requests(chosen.requests)
    text = chosen.request or path
    return expand(text, chosen.seed) if text else ()


def _payload(chosen: argparse.Namespace) -> list[bytes]:
    """Return the requests of the payload files, split at the separator if there is one."""
    requests: list[bytes] = []
    for name in chosen.payload or ():
        content = _read(name)
        parts = content.split(chosen.separator) if chosen.separator else [content]
        requests += [part for part in parts if part]
    if chosen.payload and not requests:
        raise GilbenchError(f"{', '.join(chosen.payload)} contains no request: add one, or leave --payload out")
    return requests


def _read(name: str) -> bytes:
    try:
        return Path(name).read_bytes()
    except OSError as exc:
        raise GilbenchError(f"cannot read {name}: {exc.strerror}; give a file that can be read") from exc


def parser() -> Parser:
    """Return the parser of the command line."""
    made = Parser(
        prog="gilbench load",
        description="Put load on a TCP or HTTP server and measure throughput and latency; `gilbench talk HOST:PORT` "
        "talks to one by hand.",
        examples=[
            (
                "gilbench load 127.0.0.1:9000 --connections 64 --duration 5s",
                "as fast as the server answers, one line per request and reply",
            ),
            (
                "gilbench load http://127.0.0.1:8000/ --rate 500 --arrivals poisson --plot latency.png",
                "HTTP on a schedule, which a stalling server cannot slow down",
            ),
            (
                "gilbench load 127.0.0.1:9000 --connections 64 --find-capacity 'p99<20ms,errors<0.1%'",
                "the highest rate at which the objectives hold",
            ),
            (
                "gilbench load 127.0.0.1:9000 --rate 500 --fail-if 'p99>20ms' --json result.json",
                "a gate for CI",
            ),
        ],
        exits={FAILED: EXIT_CODES[FAILED], MISSED: "an objective was missed (--fail-if, --strict)"},
    )
    duration = duration_s
    made.add_argument(
        "address", type=options.address, metavar="HOST:PORT", help="address of the server, or http://HOST:PORT/PATH"
    )
    add = made.add_argument_group("load").add_argument
    add("--connections", type=int, default=1, metavar="N", help="number of clients (default: 1)")
    add("--duration", type=duration, metavar="T", help="length of the window, such as 5s or 1m (default: 5s)")
    add("--warmup", type=duration, default=1.0, metavar="T", help="length of the warm-up (default: 1s)")
    add("--rate", type=options.rate, metavar="R", help="open loop: requests per second, on a schedule")
    add("--arrivals", choices=ARRIVALS, help="open loop: spacing of requests (default: constant)")
    add(
        "--stages",
        type=options.stages,
        metavar="S",
        help="open loop: rates over time, such as 1000:10s,ramp:0-8000:30s",
    )
    add(
        "--find-capacity",
        type=read_objectives,
        metavar="O",
        help="find the highest rate for objectives such as p99<20ms",
    )
    add("--seed", type=int, default=1, metavar="N", help="seed of random arrivals and order (default: 1)")
    add(
        "--requests-per-connection",
        type=options.read_requests_per_connection,
        metavar="N|keep-alive",
        help="requests before a client reconnects (default: keep-alive)",
    )
    add("--timeout", type=duration, default=5.0, metavar="T", help="time limit for a reply (default: 5s)")
    add("--connect-timeout", type=duration, metavar="T", help="time limit for connecting (default: as --timeout)")
    add(
        "--server-pid",
        type=int,
        metavar="PID",
        help="process whose CPU time and memory to report (default: the owner of the port)",
    )
    add("--allow-remote", action="store_true", help="allow a server that is not on this machine")
    add = made.add_argument_group("protocol").add_argument
    add("--protocol", choices=[*PROTOCOLS, "http", "raw"], help="format of requests (default: line, or http for a URL)")
    add(
        "--request",
        type=template,
        metavar="TEXT",
        help="request to send, or path for a URL; {n} in it counts, {random:1-1000} is a random number",
    )
    add("--requests", metavar="FILE", help="requests or paths to send: one per line, or JSON strings")
    add("--payload", action="append", metavar="FILE", help="requests to send instead of the protocol's; repeatable")
    add("--separator", type=options.unescape, metavar="BYTES", help=r"bytes between payload requests, such as '\n--\n'")
    add("--order", choices=ORDERS, default="sequence", help="order of several requests (default: sequence)")
    add("--method", metavar="M", help="http: request method (default: GET)")
    add("--header", type=options.header, action="append", metavar="'N: V'", help="http: header to send; repeatable")
    add("--body", metavar="FILE", help="http: body of the request")
    add("--expect", metavar="FILE", help="raw: the whole reply; any other is wrong")
    add("--reply-length", type=int, metavar="N", help="raw: length of a reply in bytes")
    add(
        "--reply-delimiter", type=options.unescape, metavar="BYTES", help=r"raw: bytes that end a reply, such as '\r\n'"
    )
    add("--quit-with", type=options.unescape, metavar="BYTES", help="raw: bytes to send before a connection is closed")
    add = made.add_argument_group("engine").add_argument
    add("--threads", type=int, default=1, metavar="N", help="number of engine threads (default: 1)")
    add(
        "--connect-rate",
        type=options.rate,
        default=5000.0,
        metavar="R",
        help="connections to open per second before the load begins (default: 5000)",
    )
    add("--late", type=duration, default=0.01, metavar="T", help="delay above which a request is late (default: 10ms)")
    add("--spin", type=duration, metavar="T", help="how long to poll before sleeping (open loop: 50us)")
    add = made.add_argument_group("results").add_argument
    add("--json", metavar="FILE", help="write the result as JSON; - for standard output alone")
    add("--csv", metavar="FILE", help="write one row per second")
    add("--hdr", metavar="FILE", help="write an HdrHistogram interval log")
    add("--plot", type=options.picture, metavar="FILE", help="draw latency and throughput over time, as .svg or .png")
    fail_if = {"type": read_objective, "action": "append", "default": [], "metavar": "O"}
    add("--fail-if", **fail_if, help="exit with 99 if, say, p99>20ms; repeatable")  # type: ignore[arg-type]
    add("--strict", action="store_true", help="exit with 99 if there is any warning")
    return made
