"""``python -m bench``: the command ``gilbench`` in a checkout."""

from __future__ import annotations

import sys

from bench.cli.commands import main

if __name__ == "__main__":
    sys.exit(main())
