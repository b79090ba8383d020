"""``python -m gilbench``, for an installed wheel."""

from __future__ import annotations

import importlib
import sys

if __name__ == "__main__":
    sys.exit(importlib.import_module("gilbench").main())
