"""How far a run is, on stderr: a bar for each stage on a terminal, elsewhere lines now and then."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol

from pipeline.cli.streams import harmless

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import TaskID

    from pipeline.run.context import Progress

QUIET_SECONDS = 10.0  # between two lines of one stage in a log


class Display(Protocol):
    """Shows what `Job` reports meanwhile."""

    def progress(self, progress: Progress) -> None: ...

    def notice(self, sentence: str) -> None: ...


@contextmanager
def display() -> Iterator[Display]:
    """Bars where stderr is a terminal that can move its cursor, plain lines elsewhere."""
    if not sys.stderr.isatty():
        yield Lines()
        return
    from rich.console import Console

    console = Console(stderr=True)
    if console.is_dumb_terminal:
        yield Lines()
        return
    with Bars(console).shown() as bars:
        yield bars


class Lines:
    """`filter: 2 of 3 parts`: the first, the last, and one every ten seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._last = 0.0  # when a line was written

    def progress(self, progress: Progress) -> None:
        now = self._clock()
        is_end = progress.done in (0, progress.total)
        if is_end or now - self._last >= QUIET_SECONDS:
            self._last = now
            done = f"{progress.done} of {progress.total} {progress.activity}"
            self.notice(f"{progress.stage}: {done}")

    def notice(self, sentence: str) -> None:
        print(harmless(sentence), file=sys.stderr, flush=True)


class Bars:
    """One bar a stage:

    filter  ━━━━━━━╺━━━  2/3 parts  12,000 rows  1,850/s  0:00:04  kept 9,204  dropped 2,796
    """

    def __init__(self, console: Console) -> None:
        from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

        columns = (
            TextColumn("{task.description:8}"),
            BarColumn(bar_width=None),
            TextColumn("{task.completed:,.0f}/{task.total:,.0f} {task.fields[activity]}"),
            TextColumn("{task.fields[rows]}"),
            TimeRemainingColumn(elapsed_when_finished=True),
            TextColumn("{task.fields[outcome]}"),
        )
        # four times a second: each refresh costs a millisecond of the process that also works
        self._bars = Progress(*columns, console=console, refresh_per_second=4)
        self._console = console
        self._tasks: dict[str, TaskID] = {}

    @contextmanager
    def shown(self) -> Iterator[Bars]:
        """The bars stand on the terminal until the end of this context, and stay there after it."""
        with self._bars:
            yield self

    def progress(self, progress: Progress) -> None:
        task = self._task(progress)
        elapsed = self._bars.tasks[task].elapsed or 0.0
        self._bars.update(
            task,
            completed=progress.done,
            total=progress.total,
            rows=rows_text(progress, elapsed),
            outcome=outcome_text(progress),
        )

    def notice(self, sentence: str) -> None:
        """A sentence above the bars."""
        self._console.print(harmless(sentence), markup=False, highlight=False, soft_wrap=True)

    def _task(self, progress: Progress) -> TaskID:
        """The bar of a stage, made when it begins."""
        if progress.stage not in self._tasks:
            self._tasks[progress.stage] = self._bars.add_task(
                progress.stage, activity=progress.activity, rows="", outcome=""
            )
        return self._tasks[progress.stage]


def rows_text(progress: Progress, elapsed: float) -> str:
    """`12,000 of 18,000 rows  1,850/s`; empty where no row is counted."""
    done = progress.counts.rows_in
    if not done:
        return ""
    text = f"{done:,}"
    if progress.rows:
        text += f" of {progress.rows:,}"
    text += " rows"
    if elapsed:
        text += f"  {done / elapsed:,.0f}/s"
    return text


def outcome_text(progress: Progress) -> str:
    """`kept 9,204  dropped 2,796`."""
    counts = progress.counts
    if not counts.rows_in:
        return ""
    text = f"kept {counts.kept:,}  dropped {counts.dropped:,}"
    if counts.quarantined:
        text += f"  quarantined {counts.quarantined:,}"
    return text
