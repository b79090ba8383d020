"""``gilbench completion``: print the script that makes a shell complete our commands."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from bench.cli.completion.script import script
from bench.cli.completion.shells import SHELLS
from loadgen.cli.command_line import Parser, run_command
from loadgen.cli.exit_codes import DONE


def main(words: Sequence[str] | None = None) -> int:
    """Print the script, and return the exit code."""
    return run_command(parser(), _run, words)


def parser() -> Parser:
    """Return the parser of the command line."""
    made = Parser(
        prog="gilbench completion",
        description="Print what makes a shell complete our commands, their options and the names that these take.",
        examples=[
            ("source <(gilbench completion bash)", "now; keep it in a file that ~/.bashrc reads for later"),
            ("gilbench completion zsh > ~/.gilbench.zsh", "for a line `source ~/.gilbench.zsh` in ~/.zshrc"),
        ],
    )
    made.add_argument("shell", choices=SHELLS, metavar="SHELL", help=f"one of {', '.join(SHELLS)}")
    return made


def _run(options: argparse.Namespace) -> int:
    sys.stdout.write(script(options.shell))
    return DONE
