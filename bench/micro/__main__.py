"""Measure small things inside each interpreter: ``python -m bench.micro``.

Exit status: 0; 1 if a test of the suite failed somewhere or it could not be run; 130 after Ctrl-C.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import subprocess
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from rich.console import Console

from bench import machine, variants
from bench.arguments import Parser
from bench.errors import GilbenchError
from bench.micro.environments import environment
from bench.micro.rounds import SCHEMA, measure
from bench.run_folder import only_run
from bench.server import ROOT
from bench.targets import Target, discover, resolve

ALL: Final = "all"
ROUNDS: Final = 5
RECORDS: Final = "micro.jsonl"


def main(argv: Sequence[str] | None = None) -> int:
    """Do what the command line says, and return the exit status."""
    options = _parser().parse_args(argv)
    console = Console(highlight=False, soft_wrap=True)
    try:
        found = discover()
        targets = found if options.pythons == ALL else resolve(options.pythons, found)
        with only_run():
            folder, failed = _carry_out(targets, options, console)
    except GilbenchError as problem:
        sys.stderr.write(f"error: {' '.join(str(problem).split())}\n")
        return 1
    except KeyboardInterrupt:
        return 130
    commands = [["bench.analysis.micro", str(folder)]]
    if options.into:
        commands.append(["bench.analysis", str(folder.parent), "--quiet"])
    drawn = [subprocess.run([sys.executable, "-m", *words], cwd=ROOT, check=False).returncode for words in commands]
    return 1 if failed else max(drawn)


def _parser() -> argparse.ArgumentParser:
    parser = Parser(prog="nox -s micro --", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--pythons", default=ALL, metavar="LIST", help="as for nox -s bench, or all (default: all found)"
    )
    parser.add_argument("--variants", dest="pythons", metavar="LIST", help=f"the same: {variants.help_text()}")
    parser.add_argument("--rounds", type=_count, default=ROUNDS, metavar="N", help=f"(default: {ROUNDS})")
    parser.add_argument("--only", default="", metavar="EXPR", help="tests with that in their name, as pytest's -k")
    parser.add_argument("--into", type=Path, metavar="RUN", help="a run's folder, whose page gets a chapter of it")
    parser.add_argument("--results", type=Path, default=ROOT / "results", metavar="FOLDER", help="(default: results)")
    return parser


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
        results: Path = options.results
        return results.resolve() / "micro" / f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}"
    folder: Path = options.into.resolve() / "micro"
    if not (folder.parent / "run.json").is_file():
        raise GilbenchError(f"{options.into} holds no run: name a run's folder, as results/latest")
    if folder.exists():
        raise GilbenchError(f"{folder} is there already: move it away, or name another run")
    return folder


def _carry_out(targets: Sequence[Target], options: argparse.Namespace, console: Console) -> tuple[Path, bool]:
    """Run the suite under all targets, round after round, in random order, and return the folder of the records."""
    began_s = time.monotonic()
    console.print(f"an environment for each of {', '.join(target.name for target in targets)}")
    pythons = {target.name: environment(target) for target in targets}
    meta: dict[str, Any] = {
        "schema": SCHEMA,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": machine.describe(),
        "targets": {target.name: target.build for target in targets},
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
                for target in random.sample(targets, len(targets)):
                    took_s = time.monotonic()
                    for record in measure(pythons[target.name], target, round_, options.only):
                        file.write(json.dumps(record, allow_nan=False) + "\n")
                        if record["kind"] == "failed":
                            failed = True
                            console.print(f"failed under {target.name}: {record['name']}")
                    file.flush()
                    os.fsync(file.fileno())
                    took_s = time.monotonic() - took_s
                    console.print(f"round {round_ + 1} of {options.rounds}: {target.name} took {took_s:.1f} s")
    except OSError as problem:
        raise GilbenchError(
            f"cannot write to {problem.filename or folder}: {problem.strerror}; give another --results"
        ) from problem
    console.print(f"took {time.monotonic() - began_s:.0f} s")
    return folder, failed


if __name__ == "__main__":
    sys.exit(main())
