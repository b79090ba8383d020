"""Options that are registered before pytest reads the command line: ``-p bench.adapter.options``.

A conftest is too late: until pytest knows that ``--results`` takes a value, it takes that value for a folder of tests
and runs its ``conftest.py``.
"""

from __future__ import annotations

import pytest

from bench.paths import results
from bench.planning.options import OPTIONS, add_option


def pytest_addoption(parser: pytest.Parser) -> None:
    for name, option in OPTIONS.items():
        add_option(parser.getgroup(f"gilbench: {option.group}").addoption, name)


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    config.option.benchmark_storage = f"file://{results() / '.benchmarks'}"  # not in the user's current folder
