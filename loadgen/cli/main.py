"""``gilbench load``: build a load from options, run it, and show and write its result."""

from __future__ import annotations

import argparse
import contextlib
import ipaddress
import json
import signal
import socket
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace

from loadgen.capacity import Step, find_capacity
from loadgen.cli import arguments, export, summary
from loadgen.cli.command_line import run_command
from loadgen.cli.exit_codes import DONE, FAILED, INTERRUPTED, MISSED
from loadgen.cli.live import live_line
from loadgen.cli.outputs import Outputs, let_go, open_outputs, say
from loadgen.cli.plot import draw_capacity, draw_run
from loadgen.errors import GilbenchError, InvalidInput
from loadgen.execution import run
from loadgen.files import allow_files
from loadgen.host.host_observer import check_pid, find_owner
from loadgen.load import Load
from loadgen.result import LoadResult
from loadgen.validation.ceiling import ceiling_rps
from loadgen.validation.checks import warnings

parser = arguments.parser


def main(words: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code."""
    return run_command(parser(), _run, words)


def _run(chosen: argparse.Namespace) -> int:
    try:
        load = arguments.load(chosen)
        if not chosen.allow_remote:
            _refuse_remote(load.host)
        if chosen.server_pid is not None:
            check_pid(chosen.server_pid)
        allow_files(load.connections)
    except GilbenchError as exc:
        raise InvalidInput(f"{exc}; see --help") from exc
    try:
        with (
            open_outputs((chosen.json, chosen.csv, chosen.hdr, chosen.plot)) as outputs,
            _cancelled_by_signals() as cancel,
        ):
            if chosen.find_capacity:
                return _search(chosen, load, outputs, cancel)
            return _measure(chosen, load, outputs, cancel)
    finally:
        let_go()


def _measure(chosen: argparse.Namespace, load: Load, outputs: Outputs, cancel: threading.Event) -> int:
    began_at_s = time.time() + load.warmup_s
    pid = chosen.server_pid or find_owner(load.port)
    with live_line(wanted=chosen.json != "-") as on_interval:
        result = run(load, on_interval=on_interval, server_pid=pid, cancel=cancel)
        result = replace(result, ceiling_rps=ceiling_rps(load.threads))
    as_json = json.dumps(export.to_dict(result))
    outputs.show(as_json if chosen.json == "-" else summary.render(result))
    outputs.write(chosen.json, lambda: as_json + "\n")
    outputs.write(chosen.csv, lambda: export.to_csv(result))
    outputs.write(chosen.hdr, lambda: export.to_hdr_log(result, began_at_s))
    outputs.write(chosen.plot, lambda: draw_run(result, chosen.plot))
    return _verdict(chosen, result, cancel)


def _verdict(chosen: argparse.Namespace, result: LoadResult, cancel: threading.Event) -> int:
    missed = [one for one in chosen.fail_if if one.holds(result)]
    for objective in missed:
        say(f"failed: {objective.text}")
    found = warnings(result) if chosen.strict else []
    for warning in found:
        say(f"strict: {summary.wording(warning)}")
    if cancel.is_set():
        say("interrupted: the figures cover the time until then")
        return INTERRUPTED
    if not result.answered:
        where = f"{result.load.host}:{result.load.port}"
        say(f"gilbench load: error: no request was answered by {where}; check the address and --protocol")
        return FAILED
    return MISSED if missed or found else DONE


def _search(chosen: argparse.Namespace, load: Load, outputs: Outputs, cancel: threading.Event) -> int:
    def on_step(step: Step) -> None:
        if chosen.json != "-":
            outputs.show(summary.render_step(step))

    found = find_capacity(load, chosen.find_capacity, on_step=on_step, cancel=cancel)
    as_json = json.dumps(export.capacity_to_dict(found))
    outputs.show(as_json if chosen.json == "-" else summary.render_capacity(found))
    outputs.write(chosen.json, lambda: as_json + "\n")
    outputs.write(chosen.plot, lambda: draw_capacity(found, chosen.plot))
    if cancel.is_set():
        return INTERRUPTED
    return DONE if found.is_bracketed else FAILED


@contextlib.contextmanager
def _cancelled_by_signals() -> Iterator[threading.Event]:
    """Let SIGINT, SIGTERM and a closed terminal end the run at once, with what was measured so far."""
    cancel = threading.Event()
    stopping = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    previous = [signal.signal(number, lambda *_: cancel.set()) for number in stopping]
    try:
        yield cancel
    finally:
        for number, handler in zip(stopping, previous, strict=True):
            signal.signal(number, handler)


def _refuse_remote(host: str) -> None:
    try:
        addresses = {str(entry[4][0]) for entry in socket.getaddrinfo(host, None)}
    except (OSError, UnicodeError) as exc:
        reason = getattr(exc, "strerror", None) or exc
        raise GilbenchError(f"cannot find the host {host!r}: {reason}; check the name, or give an address") from exc
    if not all(ipaddress.ip_address(address).is_loopback for address in addresses):
        raise GilbenchError(f"{host} is not this machine: add --allow-remote if its owner agrees to the load")
