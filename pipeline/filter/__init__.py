"""Repairs what can be repaired, measures every row, drops what is unfit.

    measure(part, settings) -> rows with `edits`, `measures` and every reading as a finding
    "measured" decide(part, settings) -> rows with the findings beyond their limits, or Drop
    work(part, settings) = decide(measure(part))
    calibrate.calibrate(measured, settings) -> percentiles per source, what each rule would do
    calibrate.explain(measured, before, after) -> rows newly dropped, rows newly kept

Measuring depends on `settings.measuring()` only, so that a changed limit measures nothing anew.
"""

from pipeline.filter.apply import decide, measure, work
from pipeline.filter.reviewed import edited, reviewed

__all__ = ["decide", "edited", "measure", "reviewed", "work"]
