"""Make a measured run the committed example: ``python -m docs.example RUN FOLDER``.

Measured files are copied unchanged, with two exceptions: paths of the machine are replaced, since they are private, and
pytest-benchmark's file does not repeat the records. ``gilbench report FOLDER`` draws the rest again.
"""

from __future__ import annotations

import argparse
import json
import re
import shutil
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

from bench.analysis.load import read_run
from bench.schema.record import RECORDS
from bench.schema.run_meta import META
from loadgen.cli.command_line import Parser, run_command
from loadgen.errors import GilbenchError

BENCHMARK: Final = "benchmark.json"
MEASURED: Final = (
    *(META, RECORDS, BENCHMARK),
    *("profile/*/profile.json", "profile/*/windows.jsonl", "profile/*/timeline.json", "profile/*/stacks-*.folded"),
    *("micro/run.json", "micro/micro.jsonl"),
)
_RESULTS: Final = re.compile(r" --results[ =]\S+")
INTERPRETERS: Final = "/usr/local/cpython"


def main(words: Sequence[str] | None = None) -> int:
    """Copy the run that the command line names, and return the exit code."""
    return run_command(parser(), _run, words)


def parser() -> Parser:
    """Return the parser of the command line."""
    made = Parser(prog="python -m docs.example", description="Make a measured run the committed example.")
    made.add_argument("run", type=Path, metavar="RUN", help="the folder of the run")
    made.add_argument("folder", type=Path, metavar="FOLDER", help="where the example is; what is there is removed")
    return made


def _run(options: argparse.Namespace) -> int:
    try:
        run = read_run(options.run)
        make_room(run.folder, options.folder)
        for path in (path for pattern in MEASURED for path in sorted(run.folder.glob(pattern))):
            keep(
                path,
                options.folder / path.relative_to(run.folder),
                dict(_replace_paths(run.meta.to_dict(), run.folder, options.folder)),
            )
    except OSError as exc:
        raise GilbenchError(f"cannot copy {exc.filename}: {exc.strerror}; make room, or name another folder") from exc
    return 0


def make_room(run: Path, folder: Path) -> None:
    """Remove the current example.

    Raises:
        GilbenchError: the folder overlaps the run, or does not hold a run.
    """
    one, other = run.resolve(), folder.resolve()
    if one.is_relative_to(other) or other.is_relative_to(one):
        raise GilbenchError(f"{folder} and {run} overlap: name another folder")
    if folder.exists():
        if not (folder / META).is_file():
            raise GilbenchError(f"{folder} is there and is no run: name the folder of the example")
        shutil.rmtree(folder)


def keep(path: Path, to: Path, replaced: dict[str, str]) -> None:
    """Copy a file, replacing some of its text."""
    text = path.read_text(encoding="utf-8")
    for old, new in replaced.items():
        text = text.replace(old, new)
    if path.name == BENCHMARK:
        text = _compact(json.loads(text))
    to.parent.mkdir(parents=True, exist_ok=True)
    to.write_text(text, encoding="utf-8")


def _compact(benchmarks: dict[str, Any]) -> str:
    for one in benchmarks["benchmarks"]:
        one["extra_info"].pop("records", None)
    return json.dumps(benchmarks, separators=(",", ":"))


def _replace_paths(meta: dict[str, Any], run: Path, folder: Path) -> Iterator[tuple[str, str]]:
    """Yield paths of the machine with their replacements: the longest first, since one path may begin with another."""
    for found in _RESULTS.finditer(str(meta.get("command", ""))):
        yield found[0], ""
    yield str(run.resolve()), folder.as_posix()
    yield str(run), folder.as_posix()
    yield from interpreters(meta)


def interpreters(meta: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield the folders of the interpreters with their replacements."""
    builds = {**meta.get("interpreters", {}), "control": meta.get("control", {})}
    prefixes = {
        str(build["executable"]).partition("/bin/")[0]: name for name, build in builds.items() if "executable" in build
    }
    for prefix, name in sorted(prefixes.items(), key=lambda pair: -len(pair[0])):
        yield f"{prefix}/", f"{INTERPRETERS}/{name}/"


if __name__ == "__main__":
    sys.exit(main())
