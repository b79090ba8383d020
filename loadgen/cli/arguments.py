"""The arguments of the command line."""

from __future__ import annotations

from loadgen import url
from loadgen.cli import options
from loadgen.cli.command_line import Parser
from loadgen.cli.exit_codes import EXIT_CODES, FAILED, MISSED
from loadgen.duration import duration_s
from loadgen.limits import ARRIVALS, AUTO_CONNECTIONS, MAX_CONNECTIONS, MAX_COUNT, MAX_THREADS, ORDERS, PROTOCOL_NAMES
from loadgen.objective import read_objective, read_objectives
from loadgen.varied import template
from loadgen.whole_number import whole_number


def parser() -> Parser:
    """Return the parser of the command line."""
    made = Parser(
        prog="gilbench load",
        description="Put load on a TCP or HTTP server and measure throughput and latency. `gilbench talk HOST:PORT` "
        "talks to one by hand; `gilbench load audit FILE` checks the results of load generators.",
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
    made.add_argument(
        "address",
        type=url.read_url,
        metavar="HOST:PORT",
        help="address of the server: HOST:PORT, http[s]://HOST[:PORT]/PATH, or unix:/PATH",
    )
    _add_load(made)
    _add_protocol(made)
    _add_engine(made)
    _add_results(made)
    return made


def _add_load(made: Parser) -> None:
    add = made.add_argument_group("load").add_argument
    add(
        "--connections",
        type=whole_number(MAX_CONNECTIONS),
        metavar="N",
        help=f"number of clients (default: 1; open loop: as many as needed, up to {AUTO_CONNECTIONS:,})",
    )
    add("--duration", type=duration_s, metavar="T", help="length of the window, such as 5s or 1m (default: 5s)")
    add(
        "--count",
        type=whole_number(MAX_COUNT),
        metavar="N",
        help="end the window after N requests (then --duration is the limit, 1h by default, and there is no warm-up)",
    )
    add("--drain", type=duration_s, default=0.0, metavar="T", help="wait that long for what is in flight at the end")
    add("--warmup", type=duration_s, metavar="T", help="length of the warm-up (default: 1s)")
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
    add(
        "--think",
        type=duration_s,
        default=0.0,
        metavar="T",
        help="closed loop: pause between a reply and the next request",
    )
    add("--timeout", type=duration_s, default=5.0, metavar="T", help="time limit for a reply (default: 5s)")
    add("--connect-timeout", type=duration_s, metavar="T", help="time limit for connecting (default: as --timeout)")
    add("--bind", type=options.names, default=(), metavar="A,B", help="addresses to connect from, in turn")
    add(
        "--resolve",
        choices=("first", "all"),
        default="first",
        help="which addresses of a name to connect to: the first that accepts, or all in turn (default: first)",
    )
    add(
        "--server-pid",
        type=int,
        metavar="PID",
        help="process whose CPU time and memory to report (default: the owner of the port)",
    )
    add("--allow-remote", action="store_true", help="allow a server that is not on this machine")


def _add_protocol(made: Parser) -> None:
    add = made.add_argument_group("protocol").add_argument
    add("--protocol", choices=PROTOCOL_NAMES, help="format of requests (default: line, or http for a URL)")
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
    add("--ca", metavar="FILE", help="https: certificates to trust instead of the system's")
    add("--insecure", action="store_true", help="https: accept any certificate")
    add("--resume-sessions", action="store_true", help="https: resume a client's TLS session when it reconnects")
    add("--expect", metavar="FILE", help="raw: the whole reply; any other is wrong")
    add("--reply-length", type=int, metavar="N", help="raw: length of a reply in bytes")
    add(
        "--reply-delimiter", type=options.unescape, metavar="BYTES", help=r"raw: bytes that end a reply, such as '\r\n'"
    )
    add("--quit-with", type=options.unescape, metavar="BYTES", help="raw: bytes to send before a connection is closed")


def _add_engine(made: Parser) -> None:
    add = made.add_argument_group("engine").add_argument
    add(
        "--threads",
        type=whole_number(MAX_THREADS),
        default=1,
        metavar="N",
        help="number of engine threads (default: 1)",
    )
    add(
        "--connect-rate",
        type=options.rate,
        default=5000.0,
        metavar="R",
        help="connections to open per second before the load begins (default: 5000)",
    )
    add(
        "--late", type=duration_s, default=0.01, metavar="T", help="delay above which a request is late (default: 10ms)"
    )
    add("--spin", type=duration_s, metavar="T", help="how long to poll before sleeping (open loop: 50us)")


def _add_results(made: Parser) -> None:
    add = made.add_argument_group("results").add_argument
    add(
        "--percentiles",
        type=options.percentiles,
        default="50,90,95,99,99.9",
        metavar="P,P",
        help="percentiles to report (default: 50,90,95,99,99.9)",
    )
    add("--json", metavar="FILE", help="write the result as JSON; - for standard output alone")
    add("--csv", metavar="FILE", help="write one row per second; - for standard output alone")
    add("--hdr", metavar="FILE", help="write an HdrHistogram interval log; - for standard output alone")
    add("--plot", type=options.picture, metavar="FILE", help="draw latency and throughput over time, as .svg or .png")
    fail_if = {"type": read_objective, "action": "append", "default": [], "metavar": "O"}
    add("--fail-if", **fail_if, help="exit with 99 if, say, p99>20ms; repeatable")  # type: ignore[arg-type]
    add("--strict", action="store_true", help="exit with 99 if there is any warning")
