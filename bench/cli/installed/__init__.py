"""The package ``gilbench`` of a wheel, which holds the checkout's packages: the one name that it installs."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path


def main() -> int:
    """Run the command, and return its exit code."""
    sys.path.insert(0, str(Path(__file__).parent))
    code: int = importlib.import_module("bench.cli.commands").main()
    return code
