"""``python -m loadgen`` runs ``gilbench load``; ``python -m loadgen talk`` runs ``gilbench talk``."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from loadgen.cli import main as load
from loadgen.cli import talk


def main(words: Sequence[str]) -> int:
    """Run the command and return its exit code."""
    return talk.main(words[1:]) if words and words[0] == "talk" else load.main(words)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
