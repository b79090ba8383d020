"""The cache of compiled code, which persists between processes until a source changes."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pytest

from loadgen.native import cache
from tests.support.reference import ROOT

FUNCTIONS = (
    "engine.loop:drive",
    "engine.transport:plain",
    "protocols.exact:parse_exact",
    "protocols.http1:parse_http",
)
COUNT_COMPILATIONS = """
import importlib, json, sys
found = [getattr(importlib.import_module("loadgen." + one.split(":")[0]), one.split(":")[1]) for one in sys.argv[1:]]
print(json.dumps({"hits": [sum(one.stats.cache_hits.values()) for one in found],
                  "misses": [sum(one.stats.cache_misses.values()) for one in found]}))
"""


def fresh_import() -> dict[str, list[int]]:
    """Import the functions in another process; return the cache hits and misses of each."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("NUMBA")}
    words = [sys.executable, "-c", COUNT_COMPILATIONS, *FUNCTIONS]
    done = subprocess.run(words, cwd=ROOT, env=environment, check=True, capture_output=True, text=True)
    return dict(json.loads(done.stdout))


def test_compile_function_compiles_nothing_at_a_second_start() -> None:
    first = fresh_import()  # takes 15 s, unless another test has compiled before
    assert [hit + miss for hit, miss in zip(first["hits"], first["misses"], strict=True)] == [1, 1, 1, 1]
    assert fresh_import() == {"hits": [1, 1, 1, 1], "misses": [0, 0, 0, 0]}


def test_cache_key_changes_with_every_source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copytree(ROOT / "loadgen", tmp_path / "loadgen", ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(cache, "_HERE", tmp_path / "loadgen")
    folders = [cache.cache_key.__wrapped__()]
    assert cache.cache_key.__wrapped__() == folders[0]
    for source in sorted((tmp_path / "loadgen").rglob("*.py")):
        source.write_text(source.read_text(encoding="utf-8") + "\n# changed\n", encoding="utf-8")
        folders.append(cache.cache_key.__wrapped__())
    assert len(folders) > 10
    assert all(before != after for before, after in pairwise(folders))
