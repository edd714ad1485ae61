"""Score: what is measured of a conversation, and what follows from it for each criterion.

This stage drops nothing. Every value is of one criterion (`configs/criteria.yaml`), from 1 to 5, or
none where nobody can honestly say.

    work(part, settings)     rows with annotations, measures and scores
    measure.py               annotations of messages, and a row's own numbers
    rate.py                  from these numbers to criteria, with the messages that are to blame

Beside the stage, for people:

    verdict.py               what is said of conversations, and where it is less than required
    compare.py               two sets of conversations
    ratings.py               what people said of conversations
    calibrate.py             how far scorers agree with it
    certainty.py             rank correlation, and intervals by bootstrap
"""

from __future__ import annotations

from pipeline.score.apply import work

__all__ = ["work"]
