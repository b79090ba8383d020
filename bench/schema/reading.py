"""Common steps of reading our files: refuse a newer schema, and skip a truncated last line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from loadgen.errors import InvalidInput


def refuse_newer(what: Path | str, schema: int, known: int) -> None:
    """Refuse a file or a record that a newer version wrote.

    Args:
        what: what was read.
        schema: its schema.
        known: the newest schema that this version reads.

    Raises:
        InvalidInput: the schema is newer.
    """
    if schema > known:
        raise InvalidInput(f"{what} has schema {schema}, this version reads up to {known}: update gilbench")


def json_lines(path: Path, kind: str) -> list[dict[str, Any]]:
    """Return the objects in a file, one per line, without a last line that a crash truncated.

    Args:
        path: path of the file.
        kind: what a line is, with its article.

    Raises:
        InvalidInput: another line is not JSON.
        OSError: the file cannot be read.
    """
    lines = path.read_text(encoding="utf-8").splitlines()
    found = []
    for number, line in enumerate(lines, 1):
        try:
            found.append(json.loads(line))
        except ValueError as exc:
            if number < len(lines):
                raise InvalidInput(f"{path}, line {number} is not {kind}: remove it to read the others") from exc
    return found
