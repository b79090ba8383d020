"""How functions are compiled: as a whole that Python can call, or as parts of one.

Numba makes each compiled function executable by itself: it links the function with all that it calls and all that those
call, optimises that together, and makes machine code of it and of a wrapper for calls from Python. A function that is
only a part of others needs none of it, and its callers link and optimise it again. Here a part is left as it is, and a
whole links each of its parts once: the engine compiles in half of the time.

Only functions of :mod:`loadgen.native.compiled` can link parts. Numba's documentation describes custom pipelines; the
library classes below are not documented, so the dependency on Numba has an upper bound.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from numba.core.codegen import JITCodeLibrary
from numba.core.compiler import CompilerBase, DefaultPassBuilder
from numba.core.compiler_machinery import LoweringPass, register_pass
from numba.core.typed_passes import NoPythonBackend


class _PartLibrary(JITCodeLibrary):
    """Code to link into a whole."""

    def _optimize_functions(self, _: Any) -> None:
        """Leave that to the whole."""

    def finalize(self) -> None:
        """Leave linking and optimising to the whole."""
        self._finalize_dynamic_globals()  # type: ignore[no-untyped-call]
        self._finalized = True


class _WholeLibrary(JITCodeLibrary):
    """Executable code, with all of its parts."""

    def finalize(self) -> None:
        self._linking_libraries = _with_parts(self._linking_libraries)
        super().finalize()  # type: ignore[no-untyped-call]

    def _optimize_final_module(self) -> None:
        # Nothing else calls what is linked, so LLVM may inline it and drop arguments. A workspace is a hundred words:
        # passing it on took more than half of the engine's own time.
        linked = {name for library in self._linking_libraries for name in _defined(library)}
        for name, function in _defined(self).items():
            if name in linked:
                function.linkage = "internal"
        # Numba's first, cheap pass only prepares the removal of reference counts, and there are none.
        passes, builder = self._codegen._module_pass_manager()  # type: ignore[no-untyped-call]
        passes.run(self._final_module, builder)


def _defined(library: JITCodeLibrary) -> dict[str, Any]:
    """Return the functions of a library by name."""
    return {function.name: function for function in library.get_defined_functions()}  # type: ignore[no-untyped-call]


def _with_parts(libraries: Iterable[JITCodeLibrary]) -> list[JITCodeLibrary]:
    """Return the libraries and those that their parts link, each once."""
    found: dict[JITCodeLibrary, None] = {}
    left = list(libraries)
    while left:
        library = left.pop()
        if library not in found:
            found[library] = None
            left += library._linking_libraries if isinstance(library, _PartLibrary) else ()
    return list(found)


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


class WholeCompiler(CompilerBase):
    """The pipeline of functions that Python calls."""

    def define_pipelines(self) -> list[Any]:
        """Return the usual passes."""
        self.state.library = _library(_WholeLibrary, self.state)
        self.state.library.enable_object_caching()
        return [DefaultPassBuilder.define_nopython_pipeline(self.state)]  # type: ignore[no-untyped-call]


class PartCompiler(CompilerBase):
    """The pipeline of functions that are parts of others."""

    def define_pipelines(self) -> list[Any]:
        """Return the usual passes, and the one that registers the function."""
        self.state.flags.no_compile = True
        self.state.library = _library(_PartLibrary, self.state)
        passes: Any = DefaultPassBuilder.define_nopython_pipeline(self.state)  # type: ignore[no-untyped-call]
        passes.add_pass_after(_RegisterPart, NoPythonBackend)
        passes.finalize()
        return [passes]


def _library(kind: type[JITCodeLibrary], state: Any) -> JITCodeLibrary:
    return kind(state.targetctx.codegen(), state.func_id.func_qualname)
