"""Score: what is measured of a conversation, and what follows from it for each criterion.

This stage drops nothing. Every value is of one criterion (`configs/criteria.yaml`), from 1 to 5, or
none where nobody can honestly say.

    work(part, settings)     rows with annotations, measures and scores
    measure.py               annotations of messages, and a row's own numbers
    rate.py                  from these numbers to criteria, with the messages that are to blame
"""

from __future__ import annotations

from pipeline.score.apply import work

__all__ = ["work"]
