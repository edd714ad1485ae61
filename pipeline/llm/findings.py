"""What is known of a model behind a server: found out once, stored, and kept to."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Literal

import orjson

System = Literal["arrives", "folded", "unknown"]


@dataclass(frozen=True, slots=True)
class Findings:
    """What a probe has found out.

    model: as the server names it.
    system: whether a system message arrives. `folded`: it is refused or dropped, so its text is
    written before the first message of the user. `unknown`: no answer showed it.
    rung: how the model is asked for JSON, of `dialect.RUNGS`. fits: an answer asked for in this way
    fitted its schema.
    stop: does the answer end where `stop` says? None: no answer showed it.
    counts: does the server count tokens?
    context: tokens of a prompt and its answer; None where the server does not say.
    thinks: it thinks before it answers, and needs tokens for that.
    refused: fields of a request that the server does not accept.
    """

    model: str
    system: System
    rung: str
    fits: bool
    stop: bool | None
    counts: bool
    context: int | None
    thinks: bool
    refused: tuple[str, ...]

    def dump(self) -> str:
        return orjson.dumps(asdict(self)).decode()


def load(text: str) -> Findings:
    """What `dump` wrote."""
    values = orjson.loads(text)
    return Findings(**values | {"refused": tuple(values["refused"])})
