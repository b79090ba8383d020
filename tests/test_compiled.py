"""The compiled code: it is kept from start to start, and made anew when a source changes."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from loadgen import compiled

ROOT = Path(__file__).parent.parent


def fresh_import(folder: Path) -> dict[str, Any]:
    """Import the copy of the package in ``folder`` and tell what had to be compiled for it."""
    code = """
import json
from loadgen.engine import drive, hang_up
from loadgen.wires.exact import parse_exact
from loadgen.wires.http1 import parse_http
stats = [function.stats for function in (drive, hang_up, parse_exact, parse_http)]
print(json.dumps({"hits": [sum(s.cache_hits.values()) for s in stats],
                  "misses": [sum(s.cache_misses.values()) for s in stats]}))
"""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("NUMBA")}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=folder, env=environment, check=True, capture_output=True, text=True
    )
    return dict(json.loads(done.stdout))


def cached(folder: Path) -> dict[Path, int]:
    return {path: path.stat().st_mtime_ns for path in (folder / "loadgen" / "__pycache__").rglob("*.nb*")}


def test_a_second_start_compiles_nothing(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "loadgen", tmp_path / "loadgen", ignore=shutil.ignore_patterns("__pycache__"))
    assert fresh_import(tmp_path) == {"hits": [0, 0, 0, 0], "misses": [1, 1, 1, 1]}
    files = cached(tmp_path)
    assert len(files) > 8
    assert fresh_import(tmp_path) == {"hits": [1, 1, 1, 1], "misses": [0, 0, 0, 0]}
    assert cached(tmp_path) == files


def test_any_change_of_a_source_makes_a_new_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copytree(ROOT / "loadgen", tmp_path / "loadgen", ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(compiled, "_HERE", tmp_path / "loadgen")
    folders = [compiled.cache_key()]
    assert compiled.cache_key() == folders[0]
    for source in sorted((tmp_path / "loadgen").rglob("*.py")):
        source.write_text(source.read_text(encoding="utf-8") + "\n# changed\n", encoding="utf-8")
        folders.append(compiled.cache_key())
    assert len(folders) > 10
    assert all(before != after for before, after in pairwise(folders))
