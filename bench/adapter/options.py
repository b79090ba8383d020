"""The options that pytest learns before it reads the command line: ``-p bench.adapter.options``.

A conftest comes too late: until pytest knows that ``--results`` takes a value, that value is a folder of tests to it,
whose ``conftest.py`` it runs.
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
    config.option.benchmark_storage = f"file://{results() / '.benchmarks'}"  # not in the folder where the user stands
