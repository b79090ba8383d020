"""``python -m loadgen HOST:PORT ...`` puts load on a server; ``python -m loadgen talk HOST:PORT`` talks to one."""

from __future__ import annotations

import sys

from loadgen import cli, talk

COMMANDS = {"talk": talk.main}


def main(argv: list[str]) -> int:
    command = COMMANDS.get(argv[0]) if argv else None
    return command(argv[1:]) if command else cli.main(argv)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
