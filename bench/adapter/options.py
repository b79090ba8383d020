"""The options that pytest learns before it reads the command line: ``-p bench.adapter.options``.

A conftest comes too late: until pytest knows that ``--results`` takes a value, that value is a folder of tests to it,
whose ``conftest.py`` it runs.
"""

from __future__ import annotations

from typing import Any

import pytest

from bench.paths import results
from bench.planning.options import ALIASES, DEST, OPTIONS


def pytest_addoption(parser: pytest.Parser) -> None:
    for name, option in OPTIONS.items():
        takes: dict[str, Any] = {"metavar": option.metavar} if option.metavar else {"action": "store_true"}
        parser.getgroup(f"gilbench: {option.group}").addoption(
            *ALIASES.get(name, (f"--{name}",)),
            dest=DEST.format(name),
            default=option.default,
            help=option.help,
            **takes,
        )


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    config.option.benchmark_storage = f"file://{results() / '.benchmarks'}"  # not in the folder where the user stands
