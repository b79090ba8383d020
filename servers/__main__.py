"""``python -m servers MODEL --workload W``: run one reference server until it is told to stop.

The first line on standard output, once it accepts connections, is JSON:
``{"event": "ready", "host", "port", "pid", "model", "workload", "wire", "work", "version", "gil_enabled"}``.
"""

from __future__ import annotations

import argparse
import importlib
import socket
from typing import Mapping, NoReturn, Optional, Sequence, Union

from servers import lifecycle
from servers.conversation import STALL_TIMEOUT_S, Handler
from servers.framing import WIRES
from servers.models import MODELS, Model
from servers.workloads import WORKLOADS, Workload


def main(argv: Optional[Sequence[str]] = None) -> None:
    parser = _parser()
    options = parser.parse_args(argv)
    if options.workers and not MODELS[options.model].pooled:
        parser.error("%s keeps no pool of workers, so --workers has nothing to set" % options.model)
    workload = importlib.import_module(WORKLOADS[options.workload].module)
    model = importlib.import_module(MODELS[options.model].module)
    handler = Handler(
        WIRES[options.wire],
        workload.respond,
        getattr(workload, "respond_async", None),
        options.stall_timeout,
    )
    listener = _listen(parser, options.host, options.port)
    lifecycle.install(options.lifeline)
    lifecycle.announce(listener, model=options.model, workload=options.workload, wire=options.wire, work=workload.WORK)
    model.serve(listener, handler)


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        self.exit(2, "%s: error: %s\n" % (self.prog, message))


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="python -m servers",
        description="A reference server, to be measured under the CPython that runs it.",
        epilog="Models: %s. Workloads: %s." % (_rows(MODELS), _rows(WORKLOADS)),
    )
    parser.add_argument("model", choices=MODELS, metavar="MODEL", help="how connections are served")
    parser.add_argument("--workload", choices=WORKLOADS, default="echo", help="what one request costs (default: echo)")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: 127.0.0.1)")
    parser.add_argument("--port", type=_port, default=0, help="port to listen on (default: 0, any free one)")
    parser.add_argument("--wire", choices=WIRES, default="line", help="how requests are told apart (default: line)")
    parser.add_argument("--workers", type=_count, metavar="N", help="how many workers, for models that keep a pool")
    parser.add_argument(
        "--stall-timeout",
        type=_seconds,
        default=STALL_TIMEOUT_S,
        metavar="S",
        help="drop a client that stops in the middle of a request for so many seconds (default: %(default)g)",
    )
    parser.add_argument("--lifeline", action="store_true", help="stop when standard input ends")
    return parser


def _listen(parser: argparse.ArgumentParser, host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=lifecycle.BACKLOG)
    except OSError as problem:
        reason = problem.strerror or str(problem)
        parser.exit(
            1,
            "%s: error: cannot listen on %s port %d: %s; choose another with --host and --port (0: any free one)\n"
            % (parser.prog, host, port, reason),
        )


def _rows(table: Mapping[str, Union[Model, Workload]]) -> str:
    return "; ".join("%s (%s)" % (name, row.summary) for name, row in table.items())


def _port(text: str) -> int:
    port = int(text)
    if not 0 <= port <= 65535:
        raise argparse.ArgumentTypeError("a port is a number from 0 to 65535, not %s" % text)
    return port


def _count(text: str) -> int:
    count = int(text)
    if count < 1:
        raise argparse.ArgumentTypeError("at least 1, not %s" % text)
    return count


def _seconds(text: str) -> float:
    seconds = float(text)
    if not 0 < seconds < 86400:
        raise argparse.ArgumentTypeError("seconds from above 0 to a day, not %s" % text)
    return seconds


if __name__ == "__main__":
    main()
