"""Generate: new characters, users and situations by self-instruct, then two models really talking.

work → cast (seeds, cards, invent) → slots → talk or script → rows. Everything that was asked for and did not become a
row comes out as a Drop or a Quarantine with its reason.

prompts.py the wording · cards.py characters and card files · invent.py self-instruct · novelty.py is it new? ·
cast.py everybody there is · plan.py the course of a talk · talk.py the talk · check.py what is wrong with a message ·
slots.py filled or accounted for · expect.py what it will take · realm.py export in the schema of gpt_roleplay_realm ·
rehearse.py plays the models without a network
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import aclosing
from pathlib import Path

from pipeline.generate import prompts
from pipeline.generate.cast import assemble
from pipeline.generate.expect import expected
from pipeline.generate.slots import Row, fill, reasons, slots
from pipeline.llm import Client
from pipeline.recipe.settings import GenerateSettings

OPEN = 1_024  # slots that are worked on at once
IN_A_BATCH = 20_000  # the same where all that are open go into one batch; our choice

__all__ = ["expected", "reasons", "work"]


async def work(
    settings: GenerateSettings, line: Client, seed: int, folder: Path = Path()
) -> AsyncIterator[Row]:
    """All rows, slot by slot: the same settings, seed and answers give the same rows, whichever answer came first.

    folder: where relative paths of cards begin. Raises UserError, or Stop when the line does.
    """
    if not settings.wanted:
        return
    wording = prompts.load(settings.language)
    cast, rejected = await assemble(settings, line, wording, seed, folder)
    for unfit in rejected:
        yield unfit
    batched = settings.mode == "script" and line.batched(settings.inventor)
    filled = line.each(
        slots(cast, settings.talks),
        lambda slot: fill(slot, cast, line, settings, wording, seed),
        width=IN_A_BATCH if batched else OPEN,
    )
    async with aclosing(filled) as answers:  # type: ignore[type-var]
        async for rows in answers:
            for row in rows:
                yield row
