"""The shells that can complete our commands, and what asks for one of them."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from loadgen.command_line import Parser

_HERE: Final = Path(__file__).parent
SHELLS: Final = {
    "bash": (_HERE / "common.sh", _HERE / "bash.sh"),
    "zsh": (_HERE / "common.sh", _HERE / "zsh.sh"),
}
"""Of each, the files that make its script."""


def parser() -> Parser:
    """Return what reads the command line."""
    made = Parser(
        prog="python -m bench completion",
        description="Write what makes a shell complete our commands, their options and the names that these take.",
        examples=[
            (
                "source <(.nox/bench/bin/python -m bench completion bash)",
                "now; keep it in a file that ~/.bashrc reads for later",
            ),
            (
                ".nox/bench/bin/python -m bench completion zsh > ~/.gilbench.zsh",
                "for a line `source ~/.gilbench.zsh` in ~/.zshrc",
            ),
        ],
    )
    made.add_argument("shell", choices=SHELLS, metavar="SHELL", help=f"one of {', '.join(SHELLS)}")
    return made
