"""Write runs as a file for other tools: ``python -m bench.analysis.export RUN [RUN ...] FILE``.

The file's ending chooses the format. It is the frame of :func:`bench.analysis.load_run`, or what is made of it; in
Parquet each column carries its unit and meaning, and pandas reads the very same frame back, its ``attrs`` included.
"""

from __future__ import annotations

import contextlib
import io
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final, NamedTuple

import pandas as pd

from bench.analysis.arguments import Parser, fail
from bench.analysis.columns import TABLES, Table
from bench.analysis.frames import cells, latency, load_run, load_runs, ratios
from bench.paths import latest
from loadgen.errors import GilbenchError


class Format(NamedTuple):
    """A format: what it is called, and how a frame becomes bytes in it."""

    title: str
    write: Callable[[pd.DataFrame, Table], bytes]


def _parquet(frame: pd.DataFrame, table: Table) -> bytes:
    try:
        import pyarrow.parquet  # noqa: PLC0415 - who does not write Parquet does without
    except ImportError as exc:
        raise GilbenchError(
            f"writing Parquet needs pyarrow ({exc}): nox -s export brings it along, and .csv and .jsonl do without"
        ) from exc
    plain = io.BytesIO()
    frame.to_parquet(plain)
    written = pyarrow.parquet.read_table(plain)
    schema = written.schema
    for place, column in enumerate(table):
        about = {"unit": column.unit, "description": column.meaning}
        schema = schema.set(place, schema.field(place).with_metadata(about))
    out = io.BytesIO()
    pyarrow.parquet.write_table(written.cast(schema), out, compression="zstd")
    return out.getvalue()


def _csv(frame: pd.DataFrame, _: Table) -> bytes:
    return frame.to_csv(index=False, lineterminator="\n").encode()


def _json_lines(frame: pd.DataFrame, _: Table) -> bytes:
    return frame.to_json(
        orient="records", lines=True, date_format="iso", date_unit="us", double_precision=15, force_ascii=False
    ).encode()


FORMATS: Final = {
    ".parquet": Format("Apache Parquet", _parquet),
    ".csv": Format("comma-separated values", _csv),
    ".jsonl": Format("a JSON object a line", _json_lines),
}
MADE: Final[dict[str, Callable[[pd.DataFrame], pd.DataFrame]]] = {
    "windows": lambda windows: windows,
    "cells": cells,
    "ratios": ratios,
    "latency": latency,
}


def main(argv: list[str] | None = None) -> int:
    """Write what the command line names, and return the exit status."""
    options = parser().parse_intermixed_args(argv)  # options may stand between the runs and the file
    try:
        form = find_format(options.file)
        runs = options.runs or [latest()]
        frame = MADE[options.table](load_run(runs[0]) if len(runs) == 1 else load_runs(runs))
        _replace(options.file, form.write(frame, TABLES[options.table]))
    except GilbenchError as exc:
        return fail(str(exc), 1)
    sys.stdout.write(f"{options.file}: {len(frame)} rows, {len(frame.columns)} columns\n")
    return 0


def parser() -> Parser:
    """Return what reads the command line."""
    made = Parser(
        prog="nox -s export --",
        description="Write a run, or several, as Parquet, CSV or JSON lines, by the file's ending.",
        examples=[
            ("nox -s export -- results/latest windows.parquet", "a row a window, units and meanings in the file"),
            ("nox -s export -- results/latest ratios.csv --table ratios", "interpreters against each other"),
            ("nox -s export -- results/runs/* windows.parquet", "all runs, distinguished by the column run"),
        ],
        tables={"endings": {ending: form.title for ending, form in FORMATS.items()}},
        exits={0: "all well", 1: "a run cannot be read, or the file cannot be written", 2: "wrong options"},
    )
    made.add_argument("runs", nargs="*", type=Path, metavar="RUN", help="folders (default: results/latest)")
    made.add_argument("file", type=Path, metavar="FILE", help="to write; one that is there is replaced")
    made.add_argument(
        "--table",
        choices=MADE,
        default="windows",
        help="one row per window (windows), cell (cells), cell, metric and interpreter (ratios), or cell and "
        "percentile (latency) (default: windows)",
    )
    return made


def find_format(file: Path) -> Format:
    """Return the format that a file's ending stands for.

    Raises:
        GilbenchError: none has that ending.
    """
    form = FORMATS.get(file.suffix.lower())
    if form is None:
        *others, last = FORMATS
        raise GilbenchError(f"{file}: name a file to write that ends in {', '.join(others)} or {last}")
    return form


def _replace(file: Path, content: bytes) -> None:
    """Write a file whole, or leave what was there.

    Raises:
        GilbenchError: the disk is full, or the like.
    """
    if file.exists() and not file.is_file():
        raise GilbenchError(f"{file} is there and is no file: name another")
    new = file.with_name(f".{file.name}.new")
    try:
        with new.open("wb") as opened:
            opened.write(content)
            opened.flush()
            os.fsync(opened.fileno())
        new.replace(file)
    except OSError as exc:
        raise GilbenchError(f"cannot write to {file}: {exc.strerror}; make room, or name another file") from exc
    finally:
        with contextlib.suppress(OSError):
            new.unlink(missing_ok=True)


if __name__ == "__main__":
    sys.exit(main())
