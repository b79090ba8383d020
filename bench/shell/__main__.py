"""``python -m bench completion SHELL``: a script that a shell reads."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from bench.shell.script import script
from bench.shell.shells import parser


def main(argv: Sequence[str] | None = None) -> int:
    """Write the script, and return the exit status."""
    sys.stdout.write(script(parser().parse_args(argv).shell))
    return 0


if __name__ == "__main__":
    sys.exit(main())
