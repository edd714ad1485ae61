"""numba's `njit`, without the tenth of a CPU-second that each process would spend on BLAS.

numba imports scipy.linalg when its first function is loaded, in case that
function multiplies matrices. None of ours does, and numba accepts that there is
no BLAS.
"""

from __future__ import annotations

import numba.np.linalg
from numba import njit

__all__ = ["njit"]


def _no_blas() -> None:
    raise ImportError


numba.np.linalg.ensure_blas = _no_blas
