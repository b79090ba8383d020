"""Export of runs to files for other tools; the file's extension selects the format.

A file contains the frame of :func:`bench.analysis.load_run`, or one derived from it. In Parquet each column carries its
unit and meaning, and pandas reads the same frame back, including its ``attrs``.
"""

from __future__ import annotations

import contextlib
import io
import os
from collections.abc import Callable
from pathlib import Path
from typing import Final, NamedTuple

import pandas as pd

from bench.analysis.columns import Table
from bench.analysis.frames import cells, latency, ratios
from loadgen.errors import GilbenchError, InvalidInput


class Format(NamedTuple):
    """A file format: its title, and the function that turns a frame into bytes."""

    title: str
    write: Callable[[pd.DataFrame, Table], bytes]


def _parquet(frame: pd.DataFrame, table: Table) -> bytes:
    try:
        import pyarrow.parquet  # noqa: PLC0415 - needed only for Parquet
    except ImportError as exc:
        raise GilbenchError(
            f"writing Parquet needs pyarrow ({exc}): install gilbench[export], or write .csv or .jsonl"
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


EXPORT_FORMATS: Final = {
    ".parquet": Format("Apache Parquet", _parquet),
    ".csv": Format("comma-separated values", _csv),
    ".jsonl": Format("one JSON object per line", _json_lines),
}
EXPORTED: Final[dict[str, Callable[[pd.DataFrame], pd.DataFrame]]] = {
    "windows": lambda windows: windows,
    "cells": cells,
    "ratios": ratios,
    "latency": latency,
}


def find_format(file: Path) -> Format:
    """Return the format for a file's extension.

    Raises:
        GilbenchError: no format has this extension.
    """
    form = EXPORT_FORMATS.get(file.suffix.lower())
    if form is None:
        *others, last = EXPORT_FORMATS
        raise InvalidInput(f"unknown extension of {file}: name a file that ends in {', '.join(others)} or {last}")
    return form


def replace_file(file: Path, content: bytes) -> None:
    """Replace a file completely, or keep the old one.

    Raises:
        GilbenchError: the file cannot be written.
    """
    if file.exists() and not file.is_file():
        raise GilbenchError(f"{file} exists and is not a regular file: name another file")
    new = file.with_name(f".{file.name}.new")
    try:
        with new.open("wb") as opened:
            opened.write(content)
            opened.flush()
            os.fsync(opened.fileno())
        new.replace(file)
    except OSError as exc:
        raise GilbenchError(f"cannot write to {file}: {exc.strerror}; free disk space, or name another file") from exc
    finally:
        with contextlib.suppress(OSError):
            new.unlink(missing_ok=True)
