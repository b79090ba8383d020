"""Compilation of functions as parts of their callers.

Numba makes each compiled function executable by itself: it optimises the function together with all that it calls,
makes machine code of that, and a wrapper for calls from Python. A function that is only a part of others needs none of
it, and its callers optimise it again: left out, the engine compiles in half of the time.

Numba's documentation describes custom pipelines; the library class below is not documented, so the dependency on Numba
has an upper bound.
"""

from __future__ import annotations

from typing import Any

from numba.core.codegen import JITCodeLibrary
from numba.core.compiler import CompilerBase, DefaultPassBuilder
from numba.core.compiler_machinery import LoweringPass, register_pass
from numba.core.typed_passes import NoPythonBackend


class _PartLibrary(JITCodeLibrary):
    """Code to link into others."""

    def _optimize_functions(self, _: Any) -> None:
        """Leave that, too."""

    def _optimize_final_module(self) -> None:
        """Leave that to the functions of which this is a part."""

    def _finalize_final_module(self) -> None:
        self._finalize_dynamic_globals()  # type: ignore[no-untyped-call]
        self._finalized = True


@register_pass(mutates_CFG=True, analysis_only=False)  # type: ignore[no-untyped-call]
class _RegisterPart(LoweringPass):
    """Let other functions call one that is not executable."""

    _name = "gilbench_register_part"

    def __init__(self) -> None:
        LoweringPass.__init__(self)  # type: ignore[no-untyped-call]

    def run_pass(self, state: Any) -> bool:
        # Numba keys functions by their callable, a built-in. This one raises if it is called from Python.
        result = state["cr"]._replace(entry_point=object().__reduce_ex__)
        state["cr"] = result
        state.targetctx.insert_user_function(result.entry_point, result.fndesc, [result.library])
        return True


class PartCompiler(CompilerBase):
    """The pipeline of such functions."""

    def define_pipelines(self) -> list[Any]:
        """Return the usual passes, and the one that registers the function."""
        self.state.flags.no_compile = True
        codegen = self.state.targetctx.codegen()
        self.state.library = _PartLibrary(codegen, self.state.func_id.func_qualname)  # type: ignore[no-untyped-call]
        passes: Any = DefaultPassBuilder.define_nopython_pipeline(self.state)  # type: ignore[no-untyped-call]
        passes.add_pass_after(_RegisterPart, NoPythonBackend)
        passes.finalize()
        return [passes]
