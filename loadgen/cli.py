"""The command line of the load generator: from options to a load, and from its result to what is shown and kept."""

from __future__ import annotations

import argparse
import contextlib
import ipaddress
import json
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Final

from loadgen import export, options, summary
from loadgen.belief import warnings
from loadgen.capacity import Step, find_capacity
from loadgen.ceiling import ceiling_rps
from loadgen.errors import GilbenchError
from loadgen.interval import Interval
from loadgen.load import ARRIVALS, ORDERS, Load
from loadgen.objective import read_objective, read_objectives
from loadgen.plot import draw_capacity, draw_run
from loadgen.result import LoadResult
from loadgen.run import run
from loadgen.wires import WIRES, Wire, http_wire, raw_wire
from loadgen.wires.http1 import request
from loadgen.witness import check_pid, owner_of

FAILED, MISSED, INTERRUPTED = 1, 99, 130
"""Exit codes: something failed; an objective was missed, as k6's users know it; Ctrl-C. Wrong options exit with 2."""


def main(argv: list[str]) -> int:
    """Run the command, and return its exit code."""
    parser = _parser()
    chosen = parser.parse_args(argv)
    try:
        load = _load(chosen)
        if not chosen.allow_remote:
            _refuse_remote(load.host)
        if chosen.server_pid is not None:
            check_pid(chosen.server_pid)
    except GilbenchError as problem:
        parser.error(str(problem))
    try:
        with _outputs(chosen) as write, _cancelled_by_signals() as cancel:
            if chosen.find_capacity:
                return _search(chosen, load, write, cancel)
            return _measure(chosen, load, write, cancel)
    except GilbenchError as problem:
        print(f"{parser.prog}: error: {problem}", file=sys.stderr)
        return FAILED


Write = Callable[[str | None, Callable[[], str | bytes]], None]


def _measure(chosen: argparse.Namespace, load: Load, write: Write, cancel: threading.Event) -> int:
    live = sys.stderr.isatty() and chosen.json != "-"
    began_at_s = time.time() + load.warmup_s
    pid = chosen.server_pid or owner_of(load.port)
    result = run(load, on_interval=(lambda one: _show(one, load)) if live else None, server_pid=pid, cancel=cancel)
    result = replace(result, ceiling_rps=ceiling_rps(load.threads))
    if live:
        print("\r\x1b[K", end="", file=sys.stderr, flush=True)
    if chosen.json == "-":
        _print(json.dumps(export.to_dict(result)))
    else:
        _print(summary.render(result))
    write(chosen.json, lambda: json.dumps(export.to_dict(result)) + "\n")
    write(chosen.csv, lambda: export.to_csv(result))
    write(chosen.hdr, lambda: export.to_hdr_log(result, began_at_s))
    write(chosen.plot, lambda: draw_run(result, chosen.plot))
    return _verdict(chosen, result, cancel)


def _verdict(chosen: argparse.Namespace, result: LoadResult, cancel: threading.Event) -> int:
    missed = [one for one in chosen.fail_if if one.holds(result)]
    for objective in missed:
        print(f"failed: {objective.text}", file=sys.stderr)
    found = warnings(result) if chosen.strict else []
    for warning in found:
        print(f"strict: {summary.wording(warning)}", file=sys.stderr)
    if cancel.is_set():
        print("interrupted: the figures tell of the time until then", file=sys.stderr)
        return INTERRUPTED
    if not result.requests:
        where = f"{result.load.host}:{result.load.port}"
        print(f"python -m loadgen: error: no request was answered by {where}; is it the right one?", file=sys.stderr)
        return FAILED
    return MISSED if missed or found else 0


def _search(chosen: argparse.Namespace, load: Load, write: Write, cancel: threading.Event) -> int:
    def show(step: Step) -> None:
        if chosen.json != "-":
            _print(summary.render_step(step))

    found = find_capacity(load, chosen.find_capacity, on_step=show, cancel=cancel)
    as_json = json.dumps(export.capacity_to_dict(found))
    _print(as_json if chosen.json == "-" else summary.render_capacity(found))
    write(chosen.json, lambda: as_json + "\n")
    write(chosen.plot, lambda: draw_capacity(found, chosen.plot))
    if cancel.is_set():
        return INTERRUPTED
    return 0 if found.bracketed else FAILED


def _show(interval: Interval, load: Load) -> None:
    print(f"\r\x1b[K{summary.progress(interval, load.connections)}", end="", file=sys.stderr, flush=True)


def _print(text: str) -> None:
    """Print, and go on if nobody reads any more: what is to be written to files must still be."""
    try:
        print(text, flush=True)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


@contextlib.contextmanager
def _outputs(chosen: argparse.Namespace) -> Iterator[Write]:
    """Make sure, before anything is measured, that what is to be written can be; give what writes it.

    Raises:
        GilbenchError: a file cannot be written; all others are written first.
    """
    for name in filter(None, (chosen.json, chosen.csv, chosen.hdr, chosen.plot)):
        if name != "-":
            with _explained(name):
                Path(name).open("ab").close()
    problems: list[GilbenchError] = []

    def write(name: str | None, content: Callable[[], str | bytes]) -> None:
        if name is None or name == "-":
            return
        try:
            text = content()
            with _explained(name):
                Path(name).write_bytes(text if isinstance(text, bytes) else text.encode())
        except GilbenchError as problem:
            problems.append(problem)

    yield write
    if problems:
        raise problems[0]


@contextlib.contextmanager
def _explained(name: str) -> Iterator[None]:
    try:
        yield
    except OSError as problem:
        raise GilbenchError(f"cannot write {name}: {problem.strerror}; make room, or choose another file") from problem


@contextlib.contextmanager
def _cancelled_by_signals() -> Iterator[threading.Event]:
    """Let SIGINT, SIGTERM and a terminal that is closed end the run at once, with what was measured."""
    cancel = threading.Event()
    stopping = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    previous = [signal.signal(number, lambda *_: cancel.set()) for number in stopping]
    try:
        yield cancel
    finally:
        for number, handler in zip(stopping, previous, strict=True):
            signal.signal(number, handler)


def _refuse_remote(host: str) -> None:
    try:
        addresses = {str(entry[4][0]) for entry in socket.getaddrinfo(host, None)}
    except (OSError, UnicodeError) as problem:
        reason = getattr(problem, "strerror", None) or problem
        raise GilbenchError(f"cannot find the host {host!r}: {reason}; give a name or address") from problem
    if not all(ipaddress.ip_address(address).is_loopback for address in addresses):
        raise GilbenchError(f"{host} is not this machine: add --allow-remote if its owner agrees to be put under load")


def _load(chosen: argparse.Namespace) -> Load:
    host, port, path = chosen.address
    if chosen.stages and chosen.duration is not None:
        raise GilbenchError("the stages say how long it takes: leave --duration out")
    if chosen.find_capacity and chosen.stages:
        raise GilbenchError("a search for capacity sets the rates itself: leave --stages out")
    if not (chosen.rate or chosen.stages or chosen.find_capacity) and chosen.arrivals:
        raise GilbenchError("arrivals belong to the open loop: give --rate or --stages, or leave --arrivals out")
    return Load(
        host=host,
        port=port,
        wire=_wire(chosen, path),
        connections=chosen.connections,
        duration_s=5.0 if chosen.duration is None else chosen.duration,
        warmup_s=chosen.warmup,
        conversation=chosen.conversation,
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


_OF_WIRE: Final = {
    "http": ("method", "header", "body"),
    "raw": ("expect", "reply_length", "reply_delimiter", "quit_with"),
}


def _wire(chosen: argparse.Namespace, path: str | None) -> str | Wire:
    name: str = chosen.wire or ("http" if path is not None else "line")
    for other, own in _OF_WIRE.items():
        for option in own:
            if getattr(chosen, option) and other != name:
                raise GilbenchError(f"--{option.replace('_', '-')} belongs to --wire {other}, not to {name}")
    if path is not None and name != "http":
        raise GilbenchError(f"a URL belongs to --wire http: give HOST:PORT for {name}")
    payload = tuple(_payload(chosen))
    if name == "http":
        host, port, _ = chosen.address
        body = _read(chosen.body) if chosen.body else b""
        where = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        one = request(where, path or "/", method=chosen.method or "GET", headers=chosen.header or (), body=body)
        return http_wire(payload or (one,), head=chosen.method == "HEAD")
    if name == "raw":
        if not payload:
            raise GilbenchError("a raw wire needs requests: give --payload FILE")
        return raw_wire(
            payload,
            expect=_read(chosen.expect) if chosen.expect else b"",
            length=chosen.reply_length or 0,
            delimiter=chosen.reply_delimiter or b"",
            quit_with=chosen.quit_with or b"",
        )
    return WIRES[name]._replace(requests=payload) if payload else name


def _payload(chosen: argparse.Namespace) -> list[bytes]:
    """Return the requests of the payload files, cut by the separator if there is one."""
    requests: list[bytes] = []
    for name in chosen.payload or ():
        content = _read(name)
        parts = content.split(chosen.separator) if chosen.separator else [content]
        requests += [part for part in parts if part]
    if chosen.payload and not requests:
        raise GilbenchError(f"{', '.join(chosen.payload)} holds no request: fill it, or leave --payload out")
    return requests


def _read(name: str) -> bytes:
    try:
        return Path(name).read_bytes()
    except OSError as problem:
        raise GilbenchError(f"cannot read {name}: {problem.strerror}; name a file that is there") from problem


def _parser() -> options.Parser:
    parser = options.Parser(
        prog="python -m loadgen",
        description="Put load on a TCP or HTTP server and measure throughput and latency.",
        epilog="`python -m loadgen talk HOST:PORT` talks to a server by hand. Exit codes: 0 all well, 1 failed, 2 wrong"
        " options, 99 an objective was missed (--fail-if, --strict), 130 interrupted.",
    )
    duration = options.duration_s
    parser.add_argument("address", type=options.address, metavar="HOST:PORT", help="or http://HOST:PORT/PATH")
    add = parser.add_argument_group("load").add_argument
    add("--connections", type=int, default=1, metavar="N", help="clients (default: 1)")
    add("--duration", type=duration, metavar="T", help="as 5s or 1m (default: 5s)")
    add("--warmup", type=duration, default=1.0, metavar="T", help="before it (default: 1s)")
    add("--rate", type=options.rate, metavar="R", help="open loop: requests per second on a schedule")
    add("--arrivals", choices=ARRIVALS, help="open loop: how they are spaced (default: constant)")
    add("--stages", type=options.stages, metavar="S", help="open loop: rates over time, as 1000:10s,ramp:0-8000:30s")
    add("--find-capacity", type=read_objectives, metavar="O", help="search the highest rate at which, say, p99<20ms")
    add("--seed", type=int, default=1, metavar="N", help="of whatever is random (default: 1)")
    add(
        "--conversation",
        type=options.requests_a_connection,
        metavar="R|keepalive",
        help="requests before a client connects anew (default: keepalive)",
    )
    add("--timeout", type=duration, default=5.0, metavar="T", help="for a reply (default: 5s)")
    add("--connect-timeout", type=duration, metavar="T", help="for connecting (default: as --timeout)")
    add("--server-pid", type=int, metavar="PID", help="whose CPU time and memory to tell (default: who owns the port)")
    add("--allow-remote", action="store_true", help="permit a server that is not on this machine")
    add = parser.add_argument_group("wire").add_argument
    add("--wire", choices=[*WIRES, "http", "raw"], help="how requests look (default: line, for a URL http)")
    add("--payload", action="append", metavar="FILE", help="requests to send instead of the wire's own; repeatable")
    add("--separator", type=options.escaped, metavar="BYTES", help=r"cuts payload files into requests, as '\n--\n'")
    add("--order", choices=ORDERS, default="sequence", help="of several requests (default: sequence)")
    add("--method", metavar="M", help="http: (default: GET)")
    add("--header", type=options.header, action="append", metavar="'N: V'", help="http: a header; repeatable")
    add("--body", metavar="FILE", help="http: what the request carries")
    add("--expect", metavar="FILE", help="raw: the whole reply; another one is wrong")
    add("--reply-length", type=int, metavar="N", help="raw: bytes of a reply")
    add("--reply-delimiter", type=options.escaped, metavar="BYTES", help=r"raw: what a reply ends with, as '\r\n'")
    add("--quit-with", type=options.escaped, metavar="BYTES", help="raw: what ends a conversation")
    add = parser.add_argument_group("engine").add_argument
    add("--threads", type=int, default=1, metavar="N", help="engine threads (default: 1)")
    add(
        "--connect-rate", type=options.rate, default=5000.0, metavar="R", help="first connects a second (default: 5000)"
    )
    add("--late", type=duration, default=0.001, metavar="T", help="what counts as sent late (default: 1ms)")
    add("--spin", type=duration, metavar="T", help="look for events before sleeping (open loop: 50us)")
    add = parser.add_argument_group("results").add_argument
    add("--json", metavar="FILE", help="write the result as JSON; - for standard output alone")
    add("--csv", metavar="FILE", help="write a row a second")
    add("--hdr", metavar="FILE", help="write HdrHistogram's interval log")
    add("--plot", type=options.picture, metavar="FILE", help="draw latency and throughput over time, as .svg or .png")
    fail_if = {"type": read_objective, "action": "append", "default": [], "metavar": "O"}
    add("--fail-if", **fail_if, help="exit with 99 if, say, p99>20ms; repeatable")  # type: ignore[arg-type]
    add("--strict", action="store_true", help="exit with 99 if anything speaks against the result")
    return parser
