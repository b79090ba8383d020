"""``python -m servers MODEL --workload W``: run one reference server until it is stopped.

Once it accepts connections, it prints one line of JSON on standard output:
``{"event": "ready", "host", "port", "pid", "model", "workload", "protocol", "work", "workers", "version",
"gil_enabled"}``; ``workers`` is the size of a pool, null for a model without one.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib
import os
import socket
import sys
import textwrap
from typing import Any, Callable, Iterable, Iterator, Mapping, NoReturn, Optional, Sequence, Tuple, Union

from . import lifecycle
from .conversation import STALL_TIMEOUT_S, Handler, Respond, RespondAsync
from .deployed import DEPLOYED, EVERY
from .deployed import serving as deployed
from .framing import PROTOCOLS
from .models import MODELS, Model, default_workers
from .tuning import RuntimeSettings
from .workloads import WORKLOADS, NoHandler, Workload


def main(argv: Optional[Sequence[str]] = None) -> None:
    reader = parser()
    options = reader.parse_args(argv)
    row = EVERY[options.model]
    _refuse_what_it_has_not(reader, options, row)
    if row.interface:
        deployed.serve(options, row)
        return
    if options.lifeline and sys.stdin is None:
        reader.error("--lifeline watches standard input, which is closed: open it, or leave --lifeline out")
    if options.ready_fd != lifecycle.STDOUT_FD:
        os.set_inheritable(options.ready_fd, False)  # not for what a handler starts
    model = importlib.import_module(row.module, __package__)
    if options.folder:
        sys.path.insert(0, options.folder)
    try:
        with prepare_work(options.workload) as (work, respond, respond_async):
            workers = options.workers or default_workers()
            handler = Handler(
                PROTOCOLS[options.protocol],
                respond,
                respond_async,
                options.stall_timeout,
                workers,
                RuntimeSettings(options.switch_interval, not options.no_gc, options.freeze),
            )
            listener = _listen(reader, options.host, options.port)
            lifecycle.install(options.lifeline)
            lifecycle.announce(
                listener,
                options.ready_fd,
                model=options.model,
                workload=options.workload,
                protocol=options.protocol,
                work=work,
                workers=workers if row.pooled else None,
            )
            handler.tuning.apply()
            model.serve(listener, handler)
            lifecycle.log_gil()
            lifecycle.cancel_grace_timer()
    except NoHandler as exc:
        reader.error(str(exc))


def _refuse_what_it_has_not(reader: argparse.ArgumentParser, options: argparse.Namespace, row: Model) -> None:
    if options.workers and not row.pooled:
        reader.error("--workers needs a model with a pool of workers, not %s: leave --workers out" % options.model)
    if options.threads and not row.threaded:
        reader.error("--threads needs a server with a pool of threads, not %s: leave --threads out" % options.model)
    if options.app and not row.interface:
        reader.error("--app needs a server for applications, such as gunicorn-gthread, not %s" % options.model)
    if sys.version_info[:2] < row.since:
        reader.error(
            "%s needs CPython %d.%d or later, but this is %d.%d" % (options.model, *row.since, *sys.version_info[:2])
        )


@contextlib.contextmanager
def prepare_work(name: str) -> Iterator[Tuple[Mapping[str, object], Respond, Optional[RespondAsync]]]:
    """Yield the amount of work per request and the function that does it, also one for the event loop if it waits."""
    if ":" in name:
        own = importlib.import_module(".user_handler", __package__).OwnHandler(name)
        yield {"handler": name}, own, own.awaited if own.waits else None
        return
    workload = importlib.import_module(WORKLOADS[name].module, __package__)
    if hasattr(workload, "prepare"):
        with workload.prepare() as respond:
            yield workload.WORK, respond, None
    else:
        yield workload.WORK, workload.respond, getattr(workload, "respond_async", None)


EXAMPLES = (
    ("python3 -m servers threaded --workload io --port 9000", "a thread per connection, each request waits 5 ms"),
    ("python3 -m servers threaded --protocol seed --port 8001", "the server of the simplest socket tutorial"),
    ("python3 -m servers thread-pool --workload ./shop.py:price --workers 4", "your own handler"),
)
EXITS = {0: "stopped on request", 1: "cannot listen on that address", 2: "invalid options"}


class Parser(argparse.ArgumentParser):
    """Parser that reports errors in one line and shows examples.

    Attributes:
        examples: complete commands that work, each with its purpose.
        exits: the meaning of each exit status.
    """

    examples = EXAMPLES
    exits = EXITS

    def error(self, message: str) -> NoReturn:
        self.exit(2, "%s: error: %s\n" % (self.prog, message))

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        if action.choices is not None and value not in action.choices:
            raise argparse.ArgumentError(action, _unknown(str(value), action.choices))


def parser() -> Parser:
    """Return the parser of the command line."""
    made = Parser(
        prog="python -m servers",
        description="A reference server, to be measured under the CPython that runs it.",
        epilog="\n\n".join(
            (
                "models:\n%s" % _rows(MODELS),
                "servers for WSGI and ASGI applications, over HTTP:\n%s" % _rows(DEPLOYED),
                "workloads:\n%s" % _rows(WORKLOADS),
                "examples:\n%s" % "\n".join("  %s\n      %s" % row for row in EXAMPLES),
                "exit status:\n%s" % "\n".join("  %-2d %s" % row for row in EXITS.items()),
            )
        ),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = made.add_argument_group("server").add_argument
    add("model", choices=EVERY, metavar="MODEL", help="concurrency model: how connections are served")
    add(
        "--workload",
        type=_workload,
        metavar="W",
        default="echo",
        help="work of one request (default: echo), or your own handler: module:function or path.py:function",
    )
    add("--folder", metavar="FOLDER", help="folder to import your own handler from, before all others")
    add("--protocol", choices=PROTOCOLS, default="line", help="how requests are separated (default: line)")
    add(
        "--workers",
        type=_bounded_int(int, 1, 1024, "number of workers"),
        metavar="N",
        help="number of workers, for models with a pool (default: one for each CPU that may be used)",
    )
    add(
        "--threads",
        type=_bounded_int(int, 1, 1024, "number of threads"),
        metavar="N",
        help="threads of each worker, for servers with such a pool (default: %d)" % deployed.THREADS,
    )
    add(
        "--app",
        metavar="MODULE:OBJECT",
        help="your own WSGI or ASGI application, instead of a workload, for servers over HTTP",
    )
    add = made.add_argument_group("address").add_argument
    add("--host", default="127.0.0.1", help="address to listen on (default: 127.0.0.1)")
    add(
        "--port",
        type=_bounded_int(int, 0, 65535, "port"),
        default=0,
        help="port to listen on (default: 0, any free one)",
    )
    add(
        "--stall-timeout",
        type=_bounded_int(float, 0.001, 86400, "number of seconds"),
        default=STALL_TIMEOUT_S,
        metavar="S",
        help="drop a client that stalls in the middle of a request for S seconds (default: %(default)g)",
    )
    add("--lifeline", action="store_true", help="stop when standard input ends")
    add(
        "--ready-fd",
        type=_bounded_int(int, 1, 1 << 20, "a descriptor's number"),
        default=lifecycle.STDOUT_FD,
        metavar="N",
        help="file descriptor for the line that announces that the server is ready (default: 1, standard output)",
    )
    add = made.add_argument_group("interpreter").add_argument
    add(
        "--switch-interval",
        type=_bounded_int(float, 1e-6, 10, "number of seconds"),
        metavar="S",
        help="seconds that a thread may hold the GIL while others wait (default: the interpreter's own, 0.005)",
    )
    add("--no-gc", action="store_true", help="disable automatic garbage collection")
    add("--freeze", action="store_true", help="call gc.freeze() before serving and forking")
    return made


def _listen(parser: argparse.ArgumentParser, host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=lifecycle.BACKLOG)
    except (OSError, TypeError, ValueError) as exc:  # the last two: a name that cannot be encoded
        reason = getattr(exc, "strerror", None) or str(exc)
        parser.exit(
            1,
            "%s: error: cannot listen on %s port %d: %s; choose another with --host and --port (0: any free one)\n"
            % (parser.prog, host, port, reason),
        )


def _rows(table: Mapping[str, Union[Model, Workload]]) -> str:
    rows = [("  %-18s " % name, row.summary) for name, row in table.items()]
    return "\n".join(textwrap.fill(shown, 80, initial_indent=name, subsequent_indent=" " * 21) for name, shown in rows)


def _unknown(name: str, known: Iterable[str]) -> str:
    message: str = importlib.import_module(".nearest", __package__).unknown(name, known)
    return message


def _workload(text: str) -> str:
    if text in WORKLOADS or ":" in text:
        return text
    raise argparse.ArgumentTypeError("%s; or give module:function or path.py:function" % _unknown(text, WORKLOADS))


def _bounded_int(kind: Callable[[str], float], low: float, high: float, what: str) -> Callable[[str], Any]:
    def number(text: str) -> float:
        with contextlib.suppress(ValueError):
            if low <= kind(text) <= high:
                return kind(text)
        raise argparse.ArgumentTypeError("invalid %s %r: use %g to %g" % (what, text, low, high))

    return number


if __name__ == "__main__":
    main()
