"""numba's `njit`, with a cache that also watches what is compiled in from other modules, and
without the tenth of a CPU-second that each process would spend on BLAS.

A cached function holds the code of every compiled function it calls, and the values of the
constants it reads. numba compiles it anew when its own file has changed, and only then:

    numbers.py      @njit(cache=True) def _count(…): … loop_of_words(…)     watched by numba
    loops.py        @njit def loop_of_words(…)                              watched here

numba imports scipy.linalg when its first function is loaded, in case that function multiplies
matrices. None of ours does, and numba accepts that there is no BLAS.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import numba
import numba.np.linalg
import numpy as np
from numba.core.dispatcher import Dispatcher

__all__ = ["njit"]

Function = TypeVar("Function", bound=Callable[..., Any])


def njit(**options: Any) -> Callable[[Function], Function]:
    """`numba.njit`. With `cache=True` a change of any module that is compiled in counts."""
    compiles = numba.njit(**options)

    def decorate(function: Function) -> Function:
        compiled: Function = compiles(function)
        if options.get("cache") and hasattr(compiled, "_cache"):
            index = compiled._cache._cache_file  # numba has no public way to add to its stamp
            index._source_stamp = (index._source_stamp, *sorted(set(_compiled_in(function))))
        return compiled

    return decorate


def _compiled_in(function: Callable[..., Any]) -> Iterator[tuple[str, str]]:
    """What must be the same, each with its name: files and constants."""
    modules = _with_compiled_imports(function.__module__)
    for module in modules:
        yield from _constants(module)
    for module in modules[1:]:  # the first is watched by numba
        found = Path(str(sys.modules[module].__file__)).stat()
        yield module, repr((found.st_mtime_ns, found.st_size))


def _with_compiled_imports(module: str) -> list[str]:
    """The module, and all from which compiled functions come, step by step."""
    modules = [module]
    for each in modules:  # and for those that are added meanwhile
        values = vars(sys.modules[each]).values()
        compiled = [value for value in values if isinstance(value, Dispatcher)]
        imported = dict.fromkeys(value.py_func.__module__ for value in compiled)
        modules += [name for name in imported if name not in modules]
    return modules


def _constants(module: str) -> Iterator[tuple[str, str]]:
    """Numbers and arrays of a module: they are compiled in as values."""
    for name, value in vars(sys.modules[module]).items():
        if isinstance(value, int | float | np.generic):
            yield f"{module}.{name}", repr(value)
        elif isinstance(value, np.ndarray):
            yield f"{module}.{name}", repr(value.tobytes())


def _no_blas() -> None:
    raise ImportError


numba.np.linalg.ensure_blas = _no_blas
