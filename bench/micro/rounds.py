"""One round of the suite under one interpreter, and its results."""

from __future__ import annotations

import json
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

from bench.errors import GilbenchError, InvalidInput
from bench.interpreters.environments import Prepared
from bench.interpreters.interpreter import Interpreter, interpreter_environment
from bench.interpreters.variants import InterpreterSettings
from bench.schema.micro_meta import MICRO_SCHEMA

SUITE: Final = Path(__file__).with_name("suite")
_TIMEOUT_S = 600.0
_NO_TESTS = 5
_TUNING: Final[dict[str, tuple[str, Callable[[str], object]]]] = {
    "switch": ("switch_interval_s", float),
    "nogc": ("nogc", lambda _: True),
    "freeze": ("freeze", lambda _: True),
}
"""Settings that are not set by the environment, by the variant's word: their name in the suite, and their value."""


def measure(prepared: Prepared, interpreter: Interpreter, round_: int, only: str) -> Iterator[dict[str, Any]]:
    """Run the suite once and yield its records: what was timed, what was counted, and what failed.

    Args:
        prepared: the interpreter with the packages.
        interpreter: for whose interpreter it is.
        round_: which round.
        only: an expression for pytest's ``-k``; empty: everything.

    Raises:
        GilbenchError: pytest itself failed, or took too long; the message has its last line.
        InvalidInput: no test matches ``only``.
    """
    with tempfile.TemporaryDirectory(prefix="gilbench-") as scratch:
        timed, facts = Path(scratch, "timed.json"), Path(scratch, "facts.jsonl")
        command = [
            *interpreter.changed.prefix,
            str(prepared.program),
            "-m",
            "pytest",
            str(SUITE),
            "-c",
            str(SUITE / "pytest.ini"),
        ]
        command += [
            "-q",
            "-rf",
            "--tb=line",
            "-p",
            "no:cacheprovider",
            f"--benchmark-json={timed}",
            *(["-k", only] if only else []),
        ]
        environment = interpreter_environment() | prepared.variables | interpreter.changed.environment
        environment |= {"GILBENCH_FACTS": str(facts), "GILBENCH_TUNING": json.dumps(_tuning(interpreter.changed))}
        environment |= {"PYTHONDONTWRITEBYTECODE": "1", "TMPDIR": scratch}
        try:
            done = subprocess.run(
                command, env=environment, cwd=scratch, capture_output=True, text=True, timeout=_TIMEOUT_S, check=False
            )
        except subprocess.TimeoutExpired:
            raise GilbenchError(
                f"the suite took more than {_TIMEOUT_S:g} s under {interpreter.name}: narrow it with --only"
            ) from None
        lines = done.stdout.splitlines()
        if done.returncode == _NO_TESTS:
            raise InvalidInput(f"--only {only} matches no test: use part of a test's name")
        if done.returncode not in {0, 1} or not timed.exists():
            said = [line for line in (*lines, *done.stderr.splitlines()) if line.strip()]
            raise GilbenchError(
                f"the suite does not run under {interpreter.name}: {said[-1] if said else done.returncode}"
            )
        common = {"schema": MICRO_SCHEMA, "interpreter": interpreter.name, "round": round_}
        for bench in json.loads(timed.read_text(encoding="utf-8"))["benchmarks"]:
            seconds = bench["stats"]["median"] / bench["extra_info"]["per"]
            name = bench["extra_info"]["title"]
            yield {**common, "kind": "timed", "group": bench["group"], "name": name, "seconds": seconds}
        for line in facts.read_text(encoding="utf-8").splitlines() if facts.exists() else ():
            yield {**common, "kind": "fact", **json.loads(line)}
        for line in lines:
            if line.startswith("FAILED "):
                yield {**common, "kind": "failed", "group": "", "name": line.removeprefix("FAILED ")}


def _tuning(changed: InterpreterSettings) -> dict[str, Any]:
    return {
        name: read(one.value) for one in changed.variants if one.word in _TUNING for name, read in [_TUNING[one.word]]
    }
