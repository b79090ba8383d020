"""The option ``--results`` of commands that measure without a plan."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from bench.paths import RESULTS, results


def add_results(add: Callable[..., object]) -> None:
    """Add the option with ``add_argument`` of a parser, or of a group in one."""
    add(
        "--results",
        type=Path,
        default=results(),
        metavar="FOLDER",
        help=f"folder of results (default: the environment variable {RESULTS}, else results)",
    )
