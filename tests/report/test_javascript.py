"""The pages' scripts: unit tests of their pure functions under node, and bundles, which must be valid scripts."""

from __future__ import annotations

import json
import math
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from bench.narrative import wording
from bench.paths import ROOT
from bench.report import explore
from bench.report.page import PACKAGE, SCRIPTS

NODE = shutil.which("node")
TESTS = sorted((ROOT / "tests/report/javascript").glob("*.test.mjs"))
needs_node = pytest.mark.skipif(NODE is None, reason="node is not installed")

WRITTEN = [
    *(("ratio", value, wording.ratio(value)) for value in (0.0, 0.123, 1.994, 2.04, 7.5, 19.94, 20.4, 1234.0)),
    *(("rate", value, wording.rate(value)) for value in (0.5, 9.87, 99.4, 100.2, 1234.4, 1_234_567.0)),
    *(
        ("ms", value, wording.milliseconds(value))
        for value in (1234.0, 99_000.0, 123_456.0, 5e6, 12.34e6, 123.4e6, 4e9)
    ),
    *(("share", value, wording.share(value)) for value in (0.0123, 0.0994, 0.1, 0.5, 1.0)),
]
"""Kinds, values and texts."""


@needs_node
@pytest.mark.parametrize("path", TESTS, ids=lambda path: path.name)
def test_write_and_scale_pass_their_tests_under_node(path: Path) -> None:
    assert NODE is not None
    written = json.dumps({"table": wording.formatting(), "written": WRITTEN})
    done = subprocess.run(
        [NODE, "--test", str(path)],
        env=os.environ | {"GILBENCH_WRITTEN": written},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@needs_node
@pytest.mark.parametrize(
    ("package", "scripts"), [(PACKAGE, SCRIPTS), ("bench.report.history", ("choices", "runs", "main"))]
)
def test_script_is_one_valid_script(package: str, scripts: tuple[str, ...], tmp_path: Path) -> None:
    assert NODE is not None
    bundle = str(explore.script(package, scripts))
    assert not re.search(r"^(import|export) ", bundle, re.MULTILINE)
    path = tmp_path / "bundle.js"
    path.write_text(bundle, encoding="utf-8")
    done = subprocess.run([NODE, "--check", str(path)], capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr


def test_decimals_cover_every_value() -> None:
    assert all(math.isinf(row[-1][0]) for row in wording.DECIMALS.values())
