"""The configs of a published dataset, one row of `CONFIGS` each.

A config makes published rows of a conversation, or says why it makes none:

    make(rows, group, settings) -> MadeRows     rows: one conversation, or all that become one row
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import pyarrow as pa

from pipeline.conversation import Conversation
from pipeline.publish.configs import characters, full, noted, pairs, plain, relationships
from pipeline.publish.configs.made import MadeRows, PublishedRow
from pipeline.recipe.publish import PublishSettings

Make = Callable[[Sequence[Conversation], str, PublishSettings], MadeRows]


@dataclass(frozen=True)
class Config:
    """about: what it is for, a sentence. schema: of its files.

    together: names what rows have in common that become one; None of a row that has it not. of: the
    first of them, or all. rehearsal: of rows of the rehearsal model, and of no others. table: makes
    columns of what `make` has made, where that is not a row for each.
    """

    name: str
    about: str
    schema: pa.Schema
    make: Make
    together: Callable[[Conversation], str | None] | None = None
    of: Literal["first", "all"] = "all"
    rehearsal: bool = False
    table: Callable[[Sequence[PublishedRow]], pa.Table] | None = None

    def encoded(self, published: Sequence[PublishedRow]) -> pa.Table:
        """Published rows as Arrow."""
        if self.table:
            return self.table(published)
        return pa.Table.from_pylist(list(published), schema=self.schema)


CONFIGS: dict[str, Config] = {
    config.name: config
    for config in (
        Config(
            "default",
            "Ready to train on: messages with a system prompt, user and assistant in turn.",
            plain.SCHEMA,
            plain.default,
        ),
        Config(
            "full",
            "Every row with all that is known of it: names, personas, origin, measures, scores.",
            full.SCHEMA,
            full.full,
            table=full.table,
        ),
        Config(
            "sharegpt",
            "The rows of `default` in the form of ShareGPT.",
            plain.SHAREGPT,
            plain.sharegpt,
        ),
        Config(
            "noted",
            "The messages of `default` with stage and decision before each reply.",
            noted.SCHEMA,
            noted.noted,
        ),
        Config(
            "preference",
            "Replies beside worse ones: a broken rule, a swipe or a verdict, in `why`.",
            pairs.PREFERENCE,
            pairs.preference,
        ),
        Config(
            "unpaired",
            "Replies labelled good or bad, by rules and verdicts.",
            pairs.UNPAIRED,
            pairs.unpaired,
        ),
        Config(
            "characters",
            "Every character once, as a V2 card.",
            characters.SCHEMA,
            characters.characters,
            together=characters.character_of,
            of="first",
        ),
        Config(
            "realm",
            "Generated characters with all their talks, as gpt_roleplay_realm has them.",
            characters.REALM,
            characters.realm_record,
            together=characters.talks_of,
        ),
        Config(
            "relationships",
            "The sittings of a character and a user, in their order.",
            relationships.SCHEMA,
            relationships.relationship,
            together=relationships.relationship_of,
        ),
        Config(
            "rehearsal",
            "Rows of the offline rehearsal model, as in `full`. Train on none of them.",
            full.SCHEMA,
            full.full,
            rehearsal=True,
            table=full.table,
        ),
        Config(
            "rehearsal_preference",
            "Pairs of the offline rehearsal model, as in `preference`. Train on none of them.",
            pairs.PREFERENCE,
            pairs.preference,
            rehearsal=True,
        ),
    )
}
TRAINABLE = ("default", "noted")  # messages, which TRL takes as they are
