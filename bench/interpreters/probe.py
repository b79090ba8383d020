"""Probe that an interpreter runs to describe itself: ``python -I probe.py`` prints one line of JSON.

It must run, or fail quickly, on anything that calls itself Python.
"""

import importlib
import json
import os
import platform
import sys
import sysconfig


def build() -> "dict[str, object]":
    """Return what distinguishes this interpreter from another one of the same version."""
    configured = sysconfig.get_config_var("CONFIG_ARGS") or ""
    core_flags = sysconfig.get_config_var("PY_CORE_CFLAGS") or sysconfig.get_config_var("CFLAGS") or ""
    # configure always sets this flag; if it is empty, the distributor has removed such flags from the configuration.
    unless = False if sysconfig.get_config_var("PGO_PROF_USE_FLAG") else None
    environment = {} if sys.flags.ignore_environment else os.environ
    fields = {"hash": hash("gilbench")} if environment.get("PYTHONHASHSEED", "").isdecimal() else {}
    return {
        **fields,
        "executable": getattr(sys, "_base_executable", None) or sys.executable,
        "version": platform.python_version(),
        "version_info": list(sys.version_info),
        "implementation": platform.python_implementation(),
        "compiler": platform.python_compiler(),
        "built": " ".join(platform.python_build()),
        "libc": " ".join(platform.libc_ver()).strip() or None,
        "pgo": "--enable-optimizations" in configured or "-fprofile" in core_flags or unless,
        "lto": "--with-lto" in configured or "-flto" in core_flags or unless,
        "bolt": "--enable-bolt" in configured or unless,
        "allocator": environment.get("PYTHONMALLOC") or _allocator(),
        "flags": " ".join(_code_generation(core_flags.split())) or None,
        "freethreaded": bool(sysconfig.get_config_var("Py_GIL_DISABLED")),
        "gil_enabled": getattr(sys, "_is_gil_enabled", lambda: True)(),
        "jit": _jit(configured),
        "debug": bool(sysconfig.get_config_var("Py_DEBUG")),
        "missing": [name for name in ("sqlite3",) if not _importable(name)],
    }


def _importable(name: str) -> bool:
    try:
        importlib.import_module(name)
    except ImportError:
        return False
    return True


def _code_generation(flags: "list[str]") -> "list[str]":
    return sorted({flag for flag in flags if flag[:2] in ("-O", "-f", "-m") and "=" not in flag and "prof" not in flag})


def _allocator() -> str:
    if sysconfig.get_config_var("Py_GIL_DISABLED"):
        return "mimalloc"
    return "pymalloc" if sysconfig.get_config_var("WITH_PYMALLOC") else "malloc"


def _jit(configured: str) -> str:
    jit = getattr(sys, "_jit", None)
    if jit is not None and jit.is_available():
        return "on" if jit.is_enabled() else "off"
    return "on" if jit is None and "--enable-experimental-jit" in configured else "unavailable"


print(json.dumps(build()))
