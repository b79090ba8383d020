"""``python -m servers MODEL --workload W``: run one reference server until it is to stop.

The first line on standard output, once it accepts connections, is JSON:
``{"event": "ready", "host", "port", "pid", "model", "workload", "protocol", "work", "version", "gil_enabled"}``.
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

from servers import lifecycle
from servers.conversation import STALL_TIMEOUT_S, Handler, Respond, RespondAsync
from servers.framing import PROTOCOLS
from servers.models import MODELS, Model, default_workers
from servers.tuning import RuntimeSettings
from servers.workloads import WORKLOADS, NoHandler, Workload


def main(argv: Optional[Sequence[str]] = None) -> None:
    reader = parser()
    options = reader.parse_args(argv)
    if options.workers and not MODELS[options.model].pooled:
        reader.error("%s keeps no pool of workers, so --workers has nothing to set" % options.model)
    if sys.version_info[:2] < MODELS[options.model].since:
        reader.error(
            "%s needs CPython %d.%d, and this is %d.%d"
            % (options.model, *MODELS[options.model].since, *sys.version_info[:2])
        )
    if options.lifeline and sys.stdin is None:
        reader.error("--lifeline watches standard input, which is closed: open it, or leave --lifeline out")
    model = importlib.import_module(MODELS[options.model].module)
    try:
        if options.folder:
            os.chdir(options.folder)
    except OSError as exc:
        reader.error("--folder %s: %s; name a folder that is there" % (options.folder, exc.strerror))
    try:
        with _work(options.workload) as (work, respond, respond_async):
            handler = Handler(
                PROTOCOLS[options.protocol],
                respond,
                respond_async,
                options.stall_timeout,
                options.workers or default_workers(),
                RuntimeSettings(options.switch_interval, not options.no_gc, options.freeze),
            )
            listener = _listen(reader, options.host, options.port)
            lifecycle.install(options.lifeline)
            lifecycle.announce(
                listener, model=options.model, workload=options.workload, protocol=options.protocol, work=work
            )
            handler.tuning.apply()
            model.serve(listener, handler)
            lifecycle.cancel_grace_timer()
    except NoHandler as exc:
        reader.error(str(exc))


@contextlib.contextmanager
def _work(name: str) -> Iterator[Tuple[Mapping[str, object], Respond, Optional[RespondAsync]]]:
    """Yield how much a request does, and what does it, also for the event loop if it waits."""
    if ":" in name:
        own = importlib.import_module("servers.user_handler").OwnHandler(name)
        yield {"handler": name}, own, own.awaited if own.waits else None
        return
    workload = importlib.import_module(WORKLOADS[name].module)
    if hasattr(workload, "prepare"):
        with workload.prepare() as respond:
            yield workload.WORK, respond, None
    else:
        yield workload.WORK, workload.respond, getattr(workload, "respond_async", None)


EXAMPLES = (
    ("python3 -m servers threaded --workload io --port 9000", "a thread per connection, each request waits 5 ms"),
    ("python3 -m servers threaded --protocol seed --port 8001", "the server of the simplest socket tutorial"),
    ("python3 -m servers thread-pool --workload ./shop.py:price --workers 4", "a handler of your own"),
)
EXITS = {0: "stopped as asked", 1: "it cannot listen there", 2: "wrong options"}


class Parser(argparse.ArgumentParser):
    """Says in one line what is wrong, and shows examples.

    Attributes:
        examples: whole commands that work, each with what it is for.
        exits: what each exit status means.
    """

    examples = EXAMPLES
    exits = EXITS

    def error(self, message: str) -> NoReturn:
        self.exit(2, "%s: error: %s\n" % (self.prog, message))

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        if action.choices is not None and value not in action.choices:
            raise argparse.ArgumentError(action, _unknown(str(value), action.choices))


def parser() -> Parser:
    """Return what reads the command line."""
    made = Parser(
        prog="python -m servers",
        description="A reference server, to be measured under the CPython that runs it.",
        epilog="\n\n".join(
            (
                "models:\n%s" % _rows(MODELS),
                "workloads:\n%s" % _rows(WORKLOADS),
                "examples:\n%s" % "\n".join("  %s\n      %s" % row for row in EXAMPLES),
                "exit status:\n%s" % "\n".join("  %-2d %s" % row for row in EXITS.items()),
            )
        ),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = made.add_argument_group("what is served").add_argument
    add("model", choices=MODELS, metavar="MODEL", help="how connections are served")
    add(
        "--workload",
        type=_workload,
        metavar="W",
        default="echo",
        help="what one request costs (default: echo), or a handler of your own: module:function or path.py:function",
    )
    add(
        "--folder", metavar="FOLDER", help="where the paths that a handler of your own opens count from (default: here)"
    )
    add("--protocol", choices=PROTOCOLS, default="line", help="how requests are separated (default: line)")
    add(
        "--workers",
        type=_bounded_int(int, 1, 1024, "how many"),
        metavar="N",
        help="how many workers, for models that keep a pool (default: one for each CPU that may be used)",
    )
    add = made.add_argument_group("where it listens").add_argument
    add("--host", default="127.0.0.1", help="address to listen on (default: 127.0.0.1)")
    add(
        "--port",
        type=_bounded_int(int, 0, 65535, "a port's number"),
        default=0,
        help="port to listen on (default: 0, any free one)",
    )
    add(
        "--stall-timeout",
        type=_bounded_int(float, 0.001, 86400, "seconds"),
        default=STALL_TIMEOUT_S,
        metavar="S",
        help="drop a client that stops in the middle of a request for so many seconds (default: %(default)g)",
    )
    add("--lifeline", action="store_true", help="stop when standard input ends")
    add = made.add_argument_group("the interpreter").add_argument
    add(
        "--switch-interval",
        type=_bounded_int(float, 1e-6, 10, "seconds"),
        metavar="S",
        help="how long a thread may keep the GIL while others wait (default: the interpreter's own, 0.005)",
    )
    add("--no-gc", action="store_true", help="switch automatic garbage collection off")
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
    rows = [("  %-16s " % name, row.summary) for name, row in table.items()]
    return "\n".join(textwrap.fill(shown, 80, initial_indent=name, subsequent_indent=" " * 19) for name, shown in rows)


def _unknown(name: str, known: Iterable[str]) -> str:
    message: str = importlib.import_module("servers.nearest").unknown(name, known)
    return message


def _workload(text: str) -> str:
    if text in WORKLOADS or ":" in text:
        return text
    raise argparse.ArgumentTypeError("%s, or module:function, path.py:function" % _unknown(text, WORKLOADS))


def _bounded_int(kind: Callable[[str], float], low: float, high: float, what: str) -> Callable[[str], Any]:
    def number(text: str) -> float:
        with contextlib.suppress(ValueError):
            if low <= kind(text) <= high:
                return kind(text)
        raise argparse.ArgumentTypeError("%s, from %g to %g, not %r" % (what, low, high, text))

    return number


if __name__ == "__main__":
    main()
