"""Maps a function over units of work: a pool of processes on one machine. The only file that knows
of processes."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from typing import TypeVar

from pipeline import UserError
from pipeline.run.startup import lean

Result = TypeVar("Result")

WORKER_ENDED = (
    "A worker process was ended from outside, most often because memory ran out. What was finished "
    "is kept: run the same command again, with --workers 1 if memory is short."
)


class Engine:
    """A pool that is made when first needed and kept for the whole run. `with Engine(2) as engine:
    …`"""

    def __init__(self, workers: int | None = None) -> None:
        self.workers = workers or len(os.sched_getaffinity(0))
        self._pool: ProcessPoolExecutor | None = None

    def __enter__(self) -> Engine:
        return self

    def __exit__(self, *_: object) -> None:
        if self._pool is not None:
            # Ctrl-C: what was begun is thrown away, not waited for; whole parts are in the store
            # already
            for process in list((self._pool._processes or {}).values()):
                process.terminate()
            self._pool.shutdown(wait=True, cancel_futures=True)

    def map(
        self,
        function: Callable[..., Result],
        jobs: Sequence[tuple[object, ...]],
        little: bool = False,
    ) -> Iterator[Result]:
        """`function(*job)` for every job, results as they come.

        One job, one worker, or little work in all: in this process, as two would take longer to
        begin. Raises UserError when a worker is ended from outside.
        """
        if little or self.workers == 1 or len(jobs) <= 1:
            yield from (function(*job) for job in jobs)
            return
        pool = self._started()
        futures = [pool.submit(function, *job) for job in jobs]
        try:
            for future in as_completed(futures):
                yield future.result()
        except BrokenProcessPool:
            raise UserError(WORKER_ENDED) from None

    def _started(self) -> ProcessPoolExecutor:
        if self._pool is None:
            # a fork would copy the threads' locks of pyarrow and numba
            context = multiprocessing.get_context("spawn")
            self._pool = ProcessPoolExecutor(
                self.workers, context, initializer=_begin, initargs=(os.getpid(),)
            )
        return self._pool


def _begin(parent: int) -> None:
    """A worker leaves Ctrl-C to its parent and ends when the parent is gone."""
    lean({})  # the environment is that of the parent
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_follow, args=(parent,), daemon=True).start()


def _follow(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(0.5)
    os._exit(1)
