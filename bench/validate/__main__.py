"""Hold the figures against what is known: ``nox -s validate``."""

from __future__ import annotations

import argparse
import signal
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Final

from rich.console import Console

from bench.errors import GilbenchError
from bench.interpreters.discovery import discover, extremes
from bench.paths import RESULTS, nox, results
from bench.run_module import run_module
from bench.runner import machine
from bench.runner.lock import only_run
from bench.validate.folder import Folder
from bench.validate.host import STEAL_ABOVE
from bench.validate.studies import all_studies
from bench.validate.study import Gap, Study, table
from bench.validate.suite import Suite
from loadgen.command_line import Parser
from loadgen.options import duration_s
from loadgen.warning_codes import FOREIGN_CORES_ABOVE

BUDGET: Final = "10m"
INTERRUPTED: Final = 130


def main(argv: Sequence[str] | None = None) -> int:
    """Run the suite, draw what came of it, and return the exit status."""
    options = parser().parse_args(argv)
    console = Console(highlight=False, soft_wrap=True, stderr=True)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        with only_run():
            folder, interrupted = _measure(options, console)
    except GilbenchError as exc:
        sys.stderr.write(f"error: {' '.join(str(exc).split())}\n")
        return 2
    except KeyboardInterrupt:
        return INTERRUPTED
    drawn = run_module("bench.analysis.validate", str(folder), *(["--json"] if options.json else []))
    return INTERRUPTED if interrupted else drawn


def parser() -> Parser:
    """Return what reads the command line."""
    made = Parser(
        prog="nox -s validate --",
        description="Hold the figures against what is known, by arithmetic, construction, theory, counting or a second "
        "witness: each with its 95% interval, and whether it agrees.",
        examples=[
            ("nox -s validate", "every study, ten minutes at most"),
            ("nox -s validate -- --only queue --budget 1m", "the studies that have that in their name"),
        ],
        exits={
            0: "every row agrees",
            1: "a row disagrees, or a study failed",
            2: "wrong options, or it could not be run",
            3: "no row disagrees, but the machine was too disturbed, or the budget too small, to say so of all",
            130: "Ctrl-C",
        },
    )
    add = made.add_argument_group("what is observed").add_argument
    add("--only", default="", metavar="NAME", help="studies and rows with that in their name (default: all)")
    add = made.add_argument_group("how long").add_argument
    add("--budget", type=duration_s, default=duration_s(BUDGET), metavar="TIME", help=f"at most (default: {BUDGET})")
    add = made.add_argument_group("where results go").add_argument
    add("--json", action="store_true", help="print the rows as JSON")
    add(
        "--results",
        type=Path,
        default=results(),
        metavar="FOLDER",
        help=f"(default: results in gilbench's own folder, or what {RESULTS} in the environment names)",
    )
    return made


def _measure(options: argparse.Namespace, console: Console) -> tuple[Path, bool]:
    """Run the suite; return the folder, and whether it was interrupted.

    Raises:
        GilbenchError: no study has that name, there is no interpreter, or the folder cannot be written to.
    """
    found = discover()
    if not any(not interpreter.build.freethreaded for interpreter in found):
        raise GilbenchError("no CPython with a GIL was found: install one, as with uv python install 3.14")
    all_of_them = list(all_studies(found))
    studies = [one for one in all_of_them if isinstance(one, Study) and _select(one, options.only)]
    if not studies:
        names = ", ".join(one.name for one in all_of_them if isinstance(one, Study))
        raise GilbenchError(f"--only {options.only}: no study has that in its name; there are {names}")
    gaps = [one for one in all_of_them if isinstance(one, Gap)]
    interpreters = extremes(found)
    meta = {
        "command": _command(options),
        "machine": asdict(machine.describe()),
        "control": machine.describe_control(),
        "interpreters": {name: asdict(interpreter.build) for name, interpreter in interpreters.items()},
        "budget_s": options.budget,
        "disturbed_above": {"foreign_cores": FOREIGN_CORES_ABOVE, "steal_share": STEAL_ABOVE},
        "rows": {},
        "gaps": {gap.name: gap.reason for gap in gaps if not options.only},
    }
    folder = Folder(options.results, meta)
    suite = Suite(studies, folder.append, console.print)
    folder.meta["rows"] = {
        name: {"study": study.name, **row} for study in studies for name, row in table(study.rows).items()
    }
    folder.save()
    console.print(
        f"{len(suite.rows)} rows of {len(studies)} studies under {', '.join(interpreters)}, up to {options.budget:g} s"
    )
    began_s, state = time.monotonic(), "partial"
    try:
        suite.run(options.budget)
        state = "complete"
    except KeyboardInterrupt:
        console.print("interrupted: what was observed by then is kept")
    finally:
        folder.meta |= {"state": state, "elapsed_s": round(time.monotonic() - began_s, 1)}
        folder.save()
        folder.close()
    return folder.path, state == "partial"


def _command(options: argparse.Namespace) -> str:
    return nox("validate", ["--budget", f"{options.budget:g}s", *(["--only", options.only] if options.only else [])])


def _select(study: Study, only: str) -> bool:
    return only in study.name or any(only in row.name for row in study.rows)


if __name__ == "__main__":
    sys.exit(main())
