"""``python -m bench``, or the path of this file: the command ``gilbench`` in a checkout."""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

if __name__ == "__main__":
    sys.path[:] = [str(ROOT), *(path for path in sys.path if path != str(ROOT))]
    from bench.isolation import isolate

    isolate(Path(__file__).resolve())
    from bench.cli.commands import main

    sys.exit(main())
