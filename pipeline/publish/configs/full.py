"""`full`: everything that is known of a conversation, as it is; nothing is left out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pyarrow as pa

from pipeline.conversation import Conversation
from pipeline.publish.configs.made import TURNS, MadeRows, PublishedRow
from pipeline.recipe.publish import PublishSettings
from pipeline.store.columns import SCHEMA as RECORD
from pipeline.store.columns import to_table

ROW = "row"  # the one field of what is made: it becomes columns in `table`
AS_THEY_ARE = [field for field in RECORD if field.name not in ("id", "messages", "split_group")]
# names: of who has written each message. thread: what the source keeps together, by its own name.
SCHEMA = pa.schema(
    [
        ("id", pa.string()),
        ("messages", TURNS),
        ("names", pa.list_(pa.string())),
        *AS_THEY_ARE,
        ("thread", pa.string()),
        ("split_group", pa.string()),
    ]
)


def full(rows: Sequence[Conversation], group: str, settings: PublishSettings) -> MadeRows:
    """The row itself."""
    (row,) = rows
    return MadeRows([{ROW: row, "split_group": group}])


def table(published: Sequence[PublishedRow]) -> pa.Table:
    """Rows of `full` as Arrow, column by column: messages as {role, content}, the speakers' names
    beside them."""
    known = to_table(replace(one[ROW], split_group=one["split_group"]) for one in published)
    messages = known["messages"].combine_chunks()
    said = messages.flatten()
    texts = pa.StructArray.from_arrays(
        [said.field("role"), said.field("content")], fields=[*TURNS.value_type]
    )
    columns = {name: known[name] for name in known.column_names}
    columns["messages"] = pa.ListArray.from_arrays(messages.offsets, texts, type=TURNS)
    columns["names"] = pa.ListArray.from_arrays(messages.offsets, said.field("name"))
    columns["thread"] = pa.array([one[ROW].split_group for one in published], pa.string())
    return pa.table({name: columns[name] for name in SCHEMA.names}, schema=SCHEMA)
