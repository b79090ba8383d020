"""The package ``gilbench`` of a wheel: it contains the checkout's packages, and no other name is installed."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path


def main() -> int:
    """Run the command, and return its exit code."""
    folder = Path(__file__).resolve().parent
    sys.path.insert(0, str(folder))
    importlib.import_module("bench.isolation").isolate(folder / "bench" / "__main__.py")
    code: int = importlib.import_module("bench.cli.commands").main()
    return code
