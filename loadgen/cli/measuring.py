"""One run of ``gilbench load``: measure, and show and write the result."""

from __future__ import annotations

import argparse
import contextlib
import json
import signal
import threading
import time
from collections.abc import Iterator
from dataclasses import replace

from loadgen import execution
from loadgen.capacity import Step, find_capacity
from loadgen.cli import export, requested_load, summary
from loadgen.cli.exit_codes import DONE, FAILED, INTERRUPTED, MISSED
from loadgen.cli.live import live_line
from loadgen.cli.nothing import why_nothing
from loadgen.cli.outputs import Outputs, let_go, open_outputs, say
from loadgen.cli.plot import draw_capacity, draw_run
from loadgen.errors import GilbenchError, InvalidInput
from loadgen.files import allow_files
from loadgen.host.addresses import bind_addresses, is_here
from loadgen.host.host_observer import check_pid
from loadgen.host.port_owner import find_owner
from loadgen.load import Load
from loadgen.result import LoadResult
from loadgen.validation.ceiling import ceiling_rps
from loadgen.validation.checks import warnings


def run(chosen: argparse.Namespace) -> int:
    """Run the load that the arguments describe, show and write its result, and return the exit code.

    Raises:
        GilbenchError: arguments contradict each other, or an output cannot be written.
    """
    try:
        load = _checked_load(chosen)
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


def _checked_load(chosen: argparse.Namespace) -> Load:
    """Return the load that the arguments describe, after everything that can be checked before it runs."""
    load = requested_load.load(chosen)
    if not chosen.allow_remote and not is_here(load.host):
        raise GilbenchError(f"{load.host} is not this machine: add --allow-remote if its owner agrees to the load")
    if chosen.server_pid is not None:
        check_pid(chosen.server_pid)
    if [chosen.json, chosen.csv, chosen.hdr].count("-") > 1:
        raise GilbenchError("only one of --json, --csv and --hdr can be standard output: give the others a file")
    bind_addresses(load.bind)
    allow_files(load.connections)
    return load


def _measure(chosen: argparse.Namespace, load: Load, outputs: Outputs, cancel: threading.Event) -> int:
    began_at_s = time.time() + load.warmup_s
    pid = chosen.server_pid or find_owner(load.host, load.port)
    alone = "-" in {chosen.json, chosen.csv, chosen.hdr}
    with live_line(wanted=not alone) as on_interval:
        result = execution.run(load, on_interval=on_interval, server_pid=pid, cancel=cancel)
        result = replace(result, ceiling_rps=ceiling_rps(load.threads))
    nothing = None if result.answered or cancel.is_set() else why_nothing(result)
    if nothing:
        say(f"gilbench load: error: {nothing}")
    if not alone:
        outputs.show(summary.render(result, chosen.percentiles))
    outputs.write(chosen.json, lambda: json.dumps(export.to_dict(result, chosen.percentiles)) + "\n")
    outputs.write(chosen.csv, lambda: export.to_csv(result, chosen.percentiles))
    outputs.write(chosen.hdr, lambda: export.to_hdr_log(result, began_at_s))
    outputs.write(chosen.plot, lambda: draw_run(result, chosen.plot))
    return FAILED if nothing else _verdict(chosen, result, cancel)


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
    return MISSED if missed or found else DONE


def _search(chosen: argparse.Namespace, load: Load, outputs: Outputs, cancel: threading.Event) -> int:
    def on_step(step: Step) -> None:
        if chosen.json != "-":
            outputs.show(summary.render_step(step))

    for option in ("csv", "hdr"):
        if getattr(chosen, option):
            raise InvalidInput(f"a search has no --{option}: use --json or --plot; see --help")
    found = find_capacity(load, chosen.find_capacity, on_step=on_step, cancel=cancel)
    if chosen.json != "-":
        outputs.show(summary.render_capacity(found))
    outputs.write(chosen.json, lambda: json.dumps(export.capacity_to_dict(found, chosen.percentiles)) + "\n")
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
