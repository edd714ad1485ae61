"""A model's verdict on a conversation: quotes as evidence first, then the level.

    jury = Jury(client, recipe.models, recipe.score.judge)
    row = await rate(row, jury)                              # with a score for each criterion
    (found,) = await compare(row, other, ["engaging"], jury)  # win, tie or loss of `row`

One question a request: asked together, one level draws the others after it, and one garbled answer
loses all of them. The conversation stands first, so that servers with a prefix cache read it once.

What the model reads is data: one JSON object a line, so that no text can end its line and pass for
the prompt. A request holds one conversation, with speakers `user` and `assistant`: neither the
order of the rows nor their names change it. A quote that does not stand in the message it names
is no evidence. Such a verdict, and whatever fails, is null.

ranges.py    long conversations in ranges that overlap
shown.py     what the model is shown
verdict.py   what it may answer, and whether the quotes stand where it says
rate.py      the scores of a row · compare.py two rows against each other
jury.py      the models: how they are asked, and what they may not judge
expect.py    what judging will take
"""

from __future__ import annotations

from pipeline.judge.compare import PairScore, compare
from pipeline.judge.expect import RowSample, expected
from pipeline.judge.jury import Jury, refuse_own_family
from pipeline.judge.rate import rate

__all__ = ["Jury", "PairScore", "RowSample", "compare", "expected", "rate", "refuse_own_family"]
