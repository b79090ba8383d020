"""What pytest learns of our options before it reads the command line: ``-p bench.pytest_options``.

A conftest of ours comes too late for two things: until pytest knows that ``--results`` takes a value, that value is a
folder of tests to it, whose ``conftest.py`` it runs; and what is wrong with the options it says at great length.
"""

from __future__ import annotations

from typing import NoReturn

import pytest

from bench.paths import ROOT
from bench.planning.options import ALIASES, DEST, OPTIONS
from bench.planning.options import parser as our_parser
from loadgen.command_line import suggesting


def pytest_addoption(parser: pytest.Parser) -> None:
    for name, option in OPTIONS.items():
        takes = {"metavar": option.metavar} if option.metavar else {"action": "store_true"}
        parser.getgroup(f"gilbench: {option.group}").addoption(
            *ALIASES.get(name, (f"--{name}",)),
            dest=DEST.format(name),
            default=option.default,
            help=option.help,
            **takes,
        )
    _say_it_in_one_line(parser)


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    config.option.benchmark_storage = f"file://{ROOT / '.benchmarks'}"  # not in the folder where the user stands


@pytest.hookimpl(tryfirst=True)
def pytest_cmdline_main(config: pytest.Config) -> int | None:
    """Show our own options for ``--help``; for ``--help -v`` let pytest show its own."""
    typed = config.invocation_params.args  # of which nothing behind --help was read
    if not config.option.help or {"-v", "-vv", "--verbose"}.intersection(map(str, typed)):
        return None
    our_parser().print_help()
    return 0


def _say_it_in_one_line(reader: pytest.Parser) -> None:
    """Let pytest name the option that was probably meant, in place of its usage and its own configuration."""
    known = reader.optparser

    def error(message: str) -> NoReturn:
        raise pytest.UsageError(f"{suggesting(message, known._option_string_actions)}; see --help")

    known.error = error  # type: ignore[method-assign]
