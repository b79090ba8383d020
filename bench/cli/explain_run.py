"""Explain a cell."""

from __future__ import annotations

import argparse

from bench.analysis.load import read_run
from bench.narrative.explain import explain
from bench.terminal.console import Terminal
from loadgen.cli.exit_codes import DONE


def run(options: argparse.Namespace) -> int:
    """Run the command, and return its exit code."""
    console = Terminal()
    for sentence in explain(read_run(options.folder), options.cell):
        console.print(console.spell(sentence))
    return DONE
