"""A GIL that comes back: an extension that needs it, compiled here, which a handler imports with its first request."""

from __future__ import annotations

import shutil
import socket
import subprocess
from pathlib import Path

import pytest

from bench.runner.server import serving
from tests.support.interpreters import newest

CC = shutil.which("cc")
SOURCE = """
#define PY_SSIZE_T_CLEAN
#include <Python.h>
static struct PyModuleDef_Slot slots[] = {{0, NULL}};
static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, .m_name = "needy", .m_slots = slots};
PyMODINIT_FUNC PyInit_needy(void) { return PyModuleDef_Init(&module); }
"""
HANDLER = """
import warnings

def first(request):
    warnings.simplefilter("ignore")
    import needy
    return request
"""
FREE = [one for one in newest().values() if one.build.freethreaded]


@pytest.mark.skipif(CC is None or not FREE, reason="needs a C compiler and a free-threaded CPython")
@pytest.mark.parametrize("model", ["serial", "threaded", "asyncio", "prefork"])
def test_server_reports_a_gil_that_a_handler_brought_back(
    model: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    interpreter = FREE[0]
    ask = "import sysconfig; print(sysconfig.get_path('include'), sysconfig.get_config_var('EXT_SUFFIX'))"
    command = [str(interpreter.program), "-c", ask]
    headers, suffix = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
    if not Path(headers, "Python.h").is_file():
        pytest.skip(f"{interpreter.name} has no headers in {headers}")
    (tmp_path / "needy.c").write_text(SOURCE, encoding="utf-8")
    (tmp_path / "late.py").write_text(HANDLER, encoding="utf-8")
    build = [str(CC), "-shared", "-fPIC", f"-I{headers}", "-o", f"needy{suffix}", "needy.c"]
    subprocess.run(build, cwd=tmp_path, check=True)
    monkeypatch.chdir(tmp_path)
    with (
        serving(interpreter, model, "./late.py:first") as server,
        socket.create_connection(("127.0.0.1", server.port), 60) as connection,
    ):
        connection.sendall(b"x\nQ\n")
        assert connection.makefile("rb").read() == b"x\n"
    assert [one["code"] for one in server.disturbances()] == ["gil_returned"]
    assert "+gil" in server.gil_returned
