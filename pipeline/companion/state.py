"""What is known of a talk: of each message, of where it stands, and of what comes next."""

from __future__ import annotations

from typing import Literal, NamedTuple

from pipeline.conversation import Role, Step

# Why a reply holds, comes closer or steps back; in words: `reasons` of configs/companion.
StepReason = Literal[
    "minor",
    "harm",
    "leaves",
    "open",
    "untaken",
    "rebuff",
    "cool",
    "low",
    "lately",
    "vulnerable",
    "ahead",
    "reached",
    "distant",
    "early",
    "pause",
    "ready",
]
Turned = Literal["untaken", "rebuff", "cool"]


class Sign(NamedTuple):
    """What one message shows.

    closeness, forward, uptake, pressing: as in `pacing.course.Said`. emotion: one of
    `annotate.EMOTIONS`. low: sadness, anger or fear, perhaps. rebuffs: it turns away in words.
    cool: it takes little up. leaves: it is a farewell. minor: its writer says that he or she is
    under 18. harm: its writer speaks of self-harm.
    """

    role: Role
    closeness: float | None = None
    forward: float = 0.0
    uptake: float = 0.0
    pressing: float = 0.0
    emotion: str | None = None
    low: bool = False
    rebuffs: bool = False
    cool: bool = False
    leaves: bool = False
    minor: bool = False
    harm: bool = False


class TalkState(NamedTuple):
    """Where a talk stands behind its last message. Messages are counted without system messages.

    stage: index into `pacing.STAGES`; begun: that of its beginning. level: of closeness, -1 to 1,
    see `pacing.course`; None: no message shows any. emotion, uptake: of the user's last message.
    steps: that were taken up. turns: how often the user has turned away. messages: so far. free:
    the first message that may take a step again. low_at: the last message that perhaps shows
    sadness, anger or fear; sad_at: that surely does; ahead_at: that was closer than the stage, as
    the user's last one is where ahead. cool: cool answers in a row. open: a step waits for its
    answer; pushed: so does a message that came too close. turned: how the user's last message
    turned away. leaves: it is a farewell. minor, harmed: the user has said so at any time; harm:
    just now.
    """

    stage: int = 0
    begun: int = 0
    level: float | None = None
    emotion: str | None = None
    uptake: float | None = None
    steps: int = 0
    turns: int = 0
    messages: int = 0
    free: int = 0
    low_at: int | None = None
    sad_at: int | None = None
    cool: int = 0
    open: bool = False
    pushed: bool = False
    turned: Turned | None = None
    ahead: bool = False
    ahead_at: int | None = None
    leaves: bool = False
    minor: bool = False
    harm: bool = False
    harmed: bool = False


class NextStep(NamedTuple):
    """What the next message of the companion does about closeness, and why."""

    step: Step
    reason: StepReason
