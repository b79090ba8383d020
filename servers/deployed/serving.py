"""Starting a deployed server in this process, as ``python -m`` would start it.

The server is this process itself, so that nothing but the server is measured. It says by itself neither that it is
ready nor that its parent has ended: who starts it asks it over HTTP (:mod:`servers.applications`), and the kernel sends
SIGTERM when the parent is gone.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib
import json
import os
import runpy
import signal
import sys
from pathlib import Path
from typing import List

from .. import applications
from ..models import Model, default_workers
from ..tuning import RuntimeSettings
from . import Ways

THREADS = 4
"""Threads of a worker without ``--threads``: the same for all servers, whose own defaults differ."""

APPLICATIONS = Path(applications.__file__).parent
_PR_SET_PDEATHSIG = 1


def serve(options: argparse.Namespace, row: Model) -> None:
    """Run the server that the command line names, to its end."""
    module = importlib.import_module(row.module, (__package__ or "").rpartition(".")[0])
    settings = RuntimeSettings(options.switch_interval, not options.no_gc, options.freeze)
    os.environ[applications.WORKLOAD] = options.workload
    os.environ[applications.TUNING] = json.dumps(settings._asdict())
    os.environ[applications.ROOT] = str(os.getpid())
    _import_from([str(APPLICATIONS), *([options.folder] if options.folder else [])])
    ways = Ways(
        options.model,
        options.host,
        options.port,
        options.app or "gilbench_%s:application" % row.interface,
        options.workers or default_workers(),
        options.threads or THREADS,
    )
    if options.lifeline:
        _end_with_parent()
    sys.argv = [module.PROGRAM, *module.arguments(ways)]
    runpy.run_module(module.PROGRAM, run_name="__main__", alter_sys=True)


def _import_from(folders: List[str]) -> None:
    """Let this process and those that it starts import from folders."""
    before = os.environ.get("PYTHONPATH")
    os.environ["PYTHONPATH"] = os.pathsep.join(folders + ([before] if before else []))
    sys.path[:0] = folders


def _end_with_parent() -> None:
    with contextlib.suppress(ImportError, OSError, AttributeError):  # a build without ctypes, or not Linux
        importlib.import_module("ctypes").CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
