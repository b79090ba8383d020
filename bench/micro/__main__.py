"""Measure small things inside each interpreter: ``python -m bench.micro``."""

from __future__ import annotations

import argparse
import json
import os
import random
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from rich.console import Console

from bench.errors import GilbenchError
from bench.interpreters import variants
from bench.interpreters.discovery import discover
from bench.interpreters.interpreter import Interpreter
from bench.interpreters.selection import resolve
from bench.micro.environments import environment
from bench.micro.rounds import SCHEMA, measure
from bench.paths import RESULTS, results
from bench.run_module import run_module
from bench.runner import machine
from bench.runner.lock import only_run
from loadgen.command_line import Parser

ALL: Final = "all"
ROUNDS: Final = 5
RECORDS: Final = "micro.jsonl"


def main(argv: Sequence[str] | None = None) -> int:
    """Do what the command line says, and return the exit status."""
    options = parser().parse_args(argv)
    console = Console(highlight=False, soft_wrap=True)
    try:
        interpreters = discover() if options.pythons == ALL else resolve(options.pythons, discover)
        with only_run():
            folder, failed = _carry_out(interpreters, options, console)
    except GilbenchError as exc:
        sys.stderr.write(f"error: {' '.join(str(exc).split())}\n")
        return 1
    except KeyboardInterrupt:
        return 130
    commands = [["bench.analysis.micro", str(folder)]]
    if options.into:
        commands.append(["bench.analysis", str(folder.parent), "--quiet"])
    drawn = [run_module(*words) for words in commands]
    return 1 if failed else max(drawn)


def parser() -> Parser:
    """Return what reads the command line."""
    made = Parser(
        prog="nox -s micro --",
        description="Measure what starting, handing over, locking and sharing cost by themselves, inside each "
        "interpreter, in rounds that alternate between them.",
        examples=[
            ("nox -s micro", "everything, under all interpreters that are found"),
            ("nox -s micro -- --pythons 3.13,3.13t --only 'singleton or lock'", "some of it, under two"),
            ("nox -s micro -- --pythons 3.13,3.13t --into results/latest", "as a chapter of a run's page"),
        ],
        tables={"behind an interpreter": variants.summaries()},
        exits={
            0: "all well",
            1: "a test of the suite failed somewhere, or it could not be run",
            2: "wrong options",
            130: "Ctrl-C",
        },
    )
    add = made.add_argument_group("what is measured").add_argument
    add(
        "--pythons",
        "--variants",
        default=ALL,
        metavar="LIST",
        help="interpreters, as for nox -s bench, or all (default: all found)",
    )
    add("--only", default="", metavar="EXPR", help="tests with that in their name, as pytest's -k")
    add = made.add_argument_group("how long and how precisely").add_argument
    add("--rounds", type=_count, default=ROUNDS, metavar="N", help=f"visits to each interpreter (default: {ROUNDS})")
    add = made.add_argument_group("where results go").add_argument
    add("--into", type=Path, metavar="RUN", help="a run's folder, whose page gets a chapter of it")
    add(
        "--results",
        type=Path,
        default=results(),
        metavar="FOLDER",
        help=f"(default: results in gilbench's own folder, or what {RESULTS} in the environment names)",
    )
    return made


def _count(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 1000:
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number from 1 to 1000")
    return int(text)


def _folder(options: argparse.Namespace) -> Path:
    """Return where the records go.

    Raises:
        GilbenchError: that is no run, or has some already.
    """
    if options.into is None:
        kept: Path = options.results
        return kept.resolve() / "micro" / f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}"
    folder: Path = options.into.resolve() / "micro"
    if not (folder.parent / "run.json").is_file():
        raise GilbenchError(f"{options.into} holds no run: name a run's folder, as results/latest")
    if folder.exists():
        raise GilbenchError(f"{folder} is there already: move it away, or name another run")
    return folder


def _carry_out(interpreters: Sequence[Interpreter], options: argparse.Namespace, console: Console) -> tuple[Path, bool]:
    """Run the suite under all interpreters, in random order in each round, and return the folder of the records."""
    began_s = time.monotonic()
    console.print(f"an environment for each of {', '.join(interpreter.name for interpreter in interpreters)}")
    pythons = {interpreter.name: environment(interpreter) for interpreter in interpreters}
    meta: dict[str, Any] = {
        "schema": SCHEMA,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": asdict(machine.describe()),
        "interpreters": {interpreter.name: asdict(interpreter.build) for interpreter in interpreters},
        "rounds": options.rounds,
        "only": options.only,
    }
    folder = _folder(options)
    failed = False
    try:
        folder.mkdir(parents=True)
        (folder / "run.json").write_text(json.dumps(meta, indent=1) + "\n", encoding="utf-8")
        with (folder / RECORDS).open("a", encoding="utf-8") as file:
            for round_ in range(options.rounds):
                for interpreter in random.sample(interpreters, len(interpreters)):
                    took_s = time.monotonic()
                    for record in measure(pythons[interpreter.name], interpreter, round_, options.only):
                        file.write(json.dumps(record, allow_nan=False) + "\n")
                        if record["kind"] == "failed":
                            failed = True
                            console.print(f"failed under {interpreter.name}: {record['name']}")
                    file.flush()
                    os.fsync(file.fileno())
                    took_s = time.monotonic() - took_s
                    console.print(f"round {round_ + 1} of {options.rounds}: {interpreter.name} took {took_s:.1f} s")
    except OSError as exc:
        raise GilbenchError(
            f"cannot write to {exc.filename or folder}: {exc.strerror}; give another --results"
        ) from exc
    console.print(f"took {time.monotonic() - began_s:.0f} s")
    return folder, failed


if __name__ == "__main__":
    sys.exit(main())
