"""Pages of measured data: records, ``run.json``, the files of a run's folder, the frames for Python."""

from __future__ import annotations

import dataclasses
import re
import types
import typing
from collections.abc import Iterator

from bench.analysis import columns, frames
from bench.schema import layout, record
from bench.schema.build import Build
from bench.schema.cell import PLURALS
from bench.schema.plan import Plan, Settings
from bench.schema.record import Record
from bench.schema.record_parts import (
    BackgroundLoad,
    ConnectTime,
    ContextSwitches,
    CpuInterval,
    CpuTime,
    Latency,
    PageFaults,
    ThreadAccounting,
    ThreadStates,
)
from bench.schema.run_meta import Deployed, Machine, RunMeta
from docs.generate.docstrings import attributes, said
from docs.generate.markdown import code, keys, page, prose, table

_NESTED = (
    Latency,
    ConnectTime,
    CpuTime,
    CpuInterval,
    ContextSwitches,
    PageFaults,
    ThreadStates,
    ThreadAccounting,
    BackgroundLoad,
)
_IN_JSON = re.compile(r" \(``\w+`` in JSON\)")
_JSON = {"int": "integer", "float": "number", "str": "text", "bool": "true or false", "dict": "object", "list": "list"}
_UNITS = {
    "_s": "s",
    "_ns": "ns",
    "_bytes": "bytes",
    "_rps": "requests/s",
    "_share": "share of 1",
    "_mhz": "MHz",
    "_cores": "CPU-seconds per second",
}
"""Units by the ending of a field's name; the longest ending that matches counts."""


def records() -> str:
    """Return the page of a record's fields."""
    parts = [table(("field", "type", "unit", "what it is"), _fields(Record))]
    for kind in _NESTED:
        field = next(one.name for one in dataclasses.fields(Record) if kind in _types(Record, one.name))
        parts += [
            f"## {field}",
            prose(_json_name(said(kind))),
            table(("field", "type", "unit", "what it is"), _fields(kind, field)),
        ]
    return page(
        "Record",
        f"One window: an interval of load on one cell, after warm-up; one JSON object, one line of `records.jsonl`. "
        f"This is schema {record.SCHEMA}. `null` means not known; it never stands for 0. A field that is here keeps "
        "its name and unit; more may be added.",
        *parts,
        "Codes of `warnings` are those of [Warnings](warnings.md). In Python, [load_run](frames.md) makes a frame of "
        "it.",
    )


def run_folder() -> str:
    """Return the page of the files in a run's folder and the keys of ``run.json``."""
    cells = {"cells": "names of the selected cells: model-workload-clients-interpreter"}
    parts = {name: f"{name} of the cells, each once" for name in PLURALS.values()}
    plan = cells | parts | attributes(Settings) | {k: v for k, v in attributes(Plan).items() if k != "cells"}
    return page(
        "A run's folder",
        "`results/runs/<UTC time>-<name>/`, to the newest of which `results/latest` points.",
        "## Measured",
        "These files cannot be made again.",
        keys(("file", "what it holds"), layout.MEASURED),
        "## Drawn",
        "`gilbench report` draws it again.",
        keys(("file", "what it holds"), layout.DRAWN),
        "## profile/CELL/",
        keys(("file", "what it holds"), layout.PROFILE),
        "`timeline-GROUP.svg` and `.png` are next to these folders. Windows of profiles are not among the run's "
        "records.",
        "## run.json",
        keys(("key", "what it holds"), attributes(RunMeta)),
        "### plan",
        keys(("key", "what it holds"), plan),
        "### deployed",
        "For each server that people deploy, under each interpreter:",
        keys(("key", "what it holds"), attributes(Deployed)),
        "### machine",
        keys(("key", "what it holds"), attributes(Machine)),
        "### interpreters",
        "For each interpreter, by its name:",
        keys(("key", "what it holds"), attributes(Build)),
    )


def python_frames() -> str:
    """Return the page of the frames for Python."""
    parts = [
        text
        for name, columns_ in columns.TABLES.items()
        for text in (f"## {name}", prose(said(_FUNCTIONS[name])), columns.markdown_table(columns_))
    ]
    return page(
        "Frames",
        "What `bench.analysis` gives to a notebook: pandas frames, whose columns keep their names and units. "
        "[The notebook](../notebook.ipynb) shows them at work, and `gilbench export` writes them as Parquet.",
        *parts,
    )


_FUNCTIONS = {"windows": frames.load_run, "cells": frames.cells, "ratios": frames.ratios, "latency": frames.latency}


def _fields(kind: type, within: str = "") -> Iterator[tuple[str, str, str, str]]:
    shown = attributes(kind)
    for one in dataclasses.fields(kind):
        name = one.name.rstrip("_")
        meaning = _IN_JSON.sub("", shown[one.name])
        nested = next((one for one in _types(kind, one.name) if one in _NESTED), None)
        if nested and meaning.startswith("see "):
            meaning = said(nested).partition("\n\n")[0]
        yield code(name), _type(kind, one.name), _unit(name) or _unit(within), _json_name(meaning)


def _types(kind: type, field: str) -> tuple[object, ...]:
    hint = typing.get_type_hints(kind)[field]
    return typing.get_args(hint) if isinstance(hint, types.UnionType) else (hint,)


def _type(kind: type, field: str) -> str:
    """Return the JSON type of a field."""
    several = []
    for one in _types(kind, field):
        if one is types.NoneType:
            several.append("null")
        elif one in _NESTED:
            several.append(f"[object](#{field.rstrip('_')})")
        else:
            plain = typing.get_origin(one) or one
            several.append(_JSON[getattr(plain, "__name__", "")])
    return " or ".join(several)


def _json_name(text: str) -> str:
    return text.replace("``None``", "``null``")


def _unit(name: str) -> str:
    fitting = [ending for ending in _UNITS if f"_{name}".endswith(ending)]
    return _UNITS[max(fitting, key=len)] if fitting else ""
