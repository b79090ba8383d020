"""The option ``--results`` of commands that measure and have no plan."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from bench.paths import RESULTS, results


def add_results(add: Callable[..., object]) -> None:
    """Add it by ``add_argument`` of a parser, or of a group in one."""
    add(
        "--results",
        type=Path,
        default=results(),
        metavar="FOLDER",
        help=f"(default: {RESULTS} of the environment, else results)",
    )
