"""Generate: new characters, users and situations by self-instruct, then two models really talking.

work → assemble (seeds, cards, invent) → slots → talk or script → rows. Everything that was
asked for and did not become a row comes out as a Drop or a Quarantine with its reason.

    personas.py    who may talk: seeds, cards, inventions
    invent.py      self-instruct · candidates.py what is invented · novelty.py is it new?
    slots.py       one sitting each, filled or accounted for · rows.py what becomes of it
    memory.py      what two people bring to a later sitting · facts.py what they say of themselves
    recall.py      does a message fit that?
    talk.py        the talk, message by message or as a script
    scene.py       what each side is sent · plan.py the course of the talk · choice.py the best try
    check.py       what is wrong with a message or a text
    diversity.py   how different the talks are
    prompts.py     the wording · context.py how a model is asked
    expect.py      what it will take
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from functools import partial
from pathlib import Path
from typing import cast

from pipeline.generate import prompts
from pipeline.generate.context import GenerateContext
from pipeline.generate.expect import expected, expected_talks
from pipeline.generate.personas import Personas, assemble
from pipeline.generate.rows import GeneratedRow, reasons
from pipeline.generate.slots import all_slots, fill, sittings_of_all
from pipeline.llm import Client
from pipeline.recipe.generate import GenerateSettings

OPEN_SLOTS = 1_024  # that are worked on at once
OPEN_IN_A_BATCH = 20_000  # the same where all open slots are one batch; our choice

__all__ = ["expected", "expected_talks", "reasons", "sittings_of_all", "work"]


async def work(
    settings: GenerateSettings, client: Client, seed: int, folder: Path = Path()
) -> AsyncGenerator[GeneratedRow, None]:
    """All rows, slot by slot. The order in which answers come in changes nothing.

    folder: where relative paths of cards begin. Raises UserError, or Stop when the client does.
    """
    if not settings.wanted:
        return
    wording = prompts.load(settings.language, settings.texts_in(folder))
    context = GenerateContext(client, settings, wording, seed)
    personas, rejected = await assemble(context, folder)
    for unused in rejected:
        yield unused
    async with aclosing(_slot_by_slot(personas, context)) as results:
        async for rows in results:
            for row in rows:
                yield row


def _slot_by_slot(
    personas: Personas, context: GenerateContext
) -> AsyncGenerator[list[GeneratedRow], None]:
    """The rows of each slot, in the order of the slots; many are worked on at once."""
    settings, client = context.settings, context.client
    width = OPEN_SLOTS
    if settings.mode == "script" and client.batched(settings.inventor):
        width = OPEN_IN_A_BATCH
    filled = partial(fill, personas=personas, context=context)
    results = client.each(all_slots(personas, settings.talks), filled, width)
    return cast(AsyncGenerator[list[GeneratedRow], None], results)
