"""``gilbench completion``: print a shell completion script."""

from __future__ import annotations

from collections.abc import Sequence

from bench.cli.completion.shells import SHELLS
from loadgen.cli.command_line import Parser, deferred, run_command


def main(words: Sequence[str] | None = None) -> int:
    """Print the script, and return the exit code."""
    return run_command(parser(), deferred("bench.cli.completion.script"), words)


def parser() -> Parser:
    """Return the parser of the command line."""
    made = Parser(
        prog="gilbench completion",
        description="Print a script that completes gilbench's commands, their options and the values of these.",
        examples=[
            ("source <(gilbench completion bash)", "for this shell; add it to ~/.bashrc to keep it"),
            ("gilbench completion zsh > ~/.gilbench.zsh", "then add `source ~/.gilbench.zsh` to ~/.zshrc"),
        ],
    )
    made.add_argument("shell", choices=SHELLS, metavar="SHELL", help=f"one of {', '.join(SHELLS)}")
    return made
