"""numba's `njit`, without the tenth of a CPU-second that each process would spend on BLAS.

numba imports scipy.linalg when its first function is loaded, in case that multiplies matrices. None
of ours does, and numba takes no for an answer.
"""

from __future__ import annotations

import numba.np.linalg
from numba import njit

__all__ = ["njit"]


def _none() -> None:
    raise ImportError


numba.np.linalg.ensure_blas = _none
