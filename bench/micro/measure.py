"""Rounds of the suite under all interpreters, written as they are measured."""

from __future__ import annotations

import json
import os
import random
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import msgspec
from rich.console import Console

from bench.errors import InvalidInput, writing
from bench.interpreters.environments import prepare
from bench.interpreters.interpreter import Interpreter
from bench.micro.rounds import measure
from bench.runner import machine
from bench.schema.micro_meta import MICRO_RECORDS, MicroMeta
from bench.schema.run_meta import META

PACKAGES: Final = ("pytest", "pytest-benchmark")


def choose_folder(results: Path, run: Path | None) -> Path:
    """Return the folder of the records: one below ``results``, or ``micro`` in a run's folder.

    Raises:
        InvalidInput: ``run`` is not a run, or already has records.
    """
    if run is None:
        return results.resolve() / "micro" / f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}"
    folder = run.resolve() / "micro"
    if not (folder.parent / META).is_file():
        raise InvalidInput(f"{run} is not a run's folder: name one, for example results/latest")
    if folder.exists():
        raise InvalidInput(f"{folder} already exists: move it away, or name another run")
    return folder


def measure_rounds(
    interpreters: Sequence[Interpreter], folder: Path, console: Console, *, rounds: int, only: str
) -> bool:
    """Run the suite under all interpreters, in random order in each round, and return whether a test failed."""
    began_s = time.monotonic()
    console.print(f"an environment for each of {', '.join(interpreter.name for interpreter in interpreters)}")
    runners = {interpreter.name: prepare(interpreter, PACKAGES) for interpreter in interpreters}
    meta = MicroMeta(
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        machine=machine.describe_machine(),
        interpreters={interpreter.name: interpreter.build for interpreter in interpreters},
        rounds=rounds,
        only=only,
    )
    failed = False
    with writing(folder, "give another --results"):
        folder.mkdir(parents=True)
        (folder / META).write_text(json.dumps(msgspec.to_builtins(meta), indent=1) + "\n", encoding="utf-8")
        with (folder / MICRO_RECORDS).open("a", encoding="utf-8") as file:
            for round_ in range(rounds):
                for interpreter in random.sample(interpreters, len(interpreters)):
                    took_s = time.monotonic()
                    for record in measure(runners[interpreter.name], interpreter, round_, only):
                        file.write(json.dumps(record, allow_nan=False) + "\n")
                        if record["kind"] == "failed":
                            failed = True
                            console.print(f"failed under {interpreter.name}: {record['name']}")
                    file.flush()
                    os.fsync(file.fileno())
                    took_s = time.monotonic() - took_s
                    console.print(f"round {round_ + 1} of {rounds}: {interpreter.name} took {took_s:.1f} s")
    console.print(f"took {time.monotonic() - began_s:.0f} s")
    return failed
