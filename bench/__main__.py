"""``python -m bench COMMAND``: what the suite can tell without measuring. Measuring is ``pytest bench``."""

from __future__ import annotations

import argparse
import subprocess
import sys
from typing import NoReturn

from bench import attach, doctor, pythons
from bench.errors import GilbenchError
from bench.watching import command as watching
from loadgen.options import duration_s


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: error: {message}\n")


def main(argv: list[str] | None = None) -> int:
    """Run the command that the command line names, and return the exit status."""
    parser = _Parser(prog="python -m bench", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND", parser_class=_Parser)
    command = commands.add_parser("pythons", help="the interpreters found, and how each was built")
    command.add_argument("pythons", nargs="?", help="only these, as 3.13,3.13t,/path/to/python or auto")
    command.add_argument("--json", action="store_true", help="as JSON, with everything that is recorded of them")
    command.set_defaults(main=pythons.main)
    command = commands.add_parser("account", help="where the time of a running server goes, by its process id")
    command.add_argument("pid", type=int, metavar="PID", help="of the server's first process")
    command.add_argument("--duration", type=duration_s, default=5.0, metavar="TIME", help="how long (default: 5s)")
    command.add_argument("--json", action="store_true", help="as JSON, with a row for each thread")
    command.set_defaults(main=attach.main)
    command = commands.add_parser("watch", help="where the time of a running Python process goes, live, by thread")
    command.add_argument("pid", type=int, metavar="PID", help="of the process; its children are watched as well")
    command.add_argument(
        "--for", dest="duration", type=duration_s, metavar="TIME", help="how long (default: until Ctrl-C, or its end)"
    )
    command.add_argument(
        "--window", type=duration_s, default=2.0, metavar="TIME", help="figures are over so long (default: 2s)"
    )
    command.add_argument("--json", action="store_true", help="as JSON, over all the time, when it is over")
    command.add_argument(
        "--no-py-spy", action="store_true", help="do without Python frames, which tell a lock from a queue"
    )
    command.set_defaults(main=watching.main)
    command = commands.add_parser("explain", help="why a measured cell is as fast as it is, in plain words")
    command.add_argument("cell", metavar="CELL", help="by its name, as threaded-cpu-8-3.14")
    command.add_argument(
        "--from", dest="run", default="results/latest", metavar="RUN", help="(default: results/latest)"
    )
    command.set_defaults(main=_explain)
    command = commands.add_parser("doctor", help="what makes measurements noisy here, and how to mend it")
    command.add_argument("--json", action="store_true", help="as JSON")
    command.set_defaults(main=doctor.main)
    options = parser.parse_args(argv)
    try:
        status: int = options.main(options)
    except GilbenchError as problem:
        parser.exit(1, f"{parser.prog}: error: {problem}\n")
    return status


def _explain(options: argparse.Namespace) -> int:
    """Let analysing explain a cell, in a process of its own: measuring knows nothing of it."""
    words = [sys.executable, "-m", "bench.analysis.explain", options.cell, "--from", options.run]
    return subprocess.run(words, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
