"""Pacing: how close two people are, message by message, and how fast they came there.

One set of constants, used by `generate` to plan a talk, by `score` to judge one, and by whoever
decides what may come next.
"""

from __future__ import annotations

STAGES = ("ice-breaker", "casual", "close")  # of closeness

# Messages before a step to casual, to close. Who rushes loses people within ten messages; in a
# simulation of five kinds of users .08 of the replies were rushed, with (2, 10) .27.
EARLIEST = (8, 18)
PAUSE = 8  # messages from a step that was not taken up until the next is tried; same simulation
