"""Every command there is: by what is typed, what reads the rest of it."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping
from typing import Final

from bench import __main__ as telling
from bench import doctor, pythons
from bench.analysis import __main__ as report
from bench.analysis import compare, explain, export
from bench.analysis.history import arguments as history
from bench.live import account
from bench.live import command as watching
from bench.micro import __main__ as micro
from bench.planning import options
from bench.profile import __main__ as profile
from bench.shell import shells
from bench.validate import __main__ as validate
from loadgen import arguments, talk
from loadgen.peers import __main__ as peers
from servers import __main__ as servers

COMMANDS: Final[Mapping[str, Callable[[], argparse.ArgumentParser]]] = {
    "nox -s bench --": options.parser,
    "nox -s report --": report.parser,
    "nox -s compare --": compare.parser,
    "nox -s export --": export.parser,
    "nox -s history --": history.parser,
    "nox -s profile --": profile.parser,
    "nox -s micro --": micro.parser,
    "nox -s watch --": watching.parser,
    "nox -s validate --": validate.parser,
    "nox -s peers --": peers.parser,
    "python -m bench": telling.parser,
    "python -m bench pythons": pythons.parser,
    "python -m bench account": account.parser,
    "python -m bench watch": watching.parser,
    "python -m bench explain": explain.parser,
    "python -m bench doctor": doctor.parser,
    "python -m bench completion": shells.parser,
    "python -m loadgen": arguments.parser,
    "python -m loadgen talk": talk.parser,
    "python -m servers": servers.parser,
}
