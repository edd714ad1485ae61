"""The messages of Discord's own data package: only those of the account's owner.

[{"ID": 1, "Timestamp": "2024-04-01 18:00:00", "Contents": "Hello", "Attachments": ""}]

Without the other side there is no conversation: such a file is refused.
"""

from __future__ import annotations

from collections.abc import Iterator

from pipeline.collect.shapes.transcript import (
    About,
    Place,
    Records,
    Transcript,
    Unread,
)

ABOUT = About("Discord's data package, which is refused", private=True)

COLUMNS = {"ID", "Timestamp", "Contents", "Attachments"}


def recognise(head: list[object]) -> bool:
    return all(isinstance(row, dict) and row.keys() == COLUMNS for row in head)


def read(records: Records, place: Place) -> Iterator[tuple[int, Transcript | Unread]]:
    rows = [row for _, row in records]
    detail = (
        f"Discord's data package holds only what the account's owner wrote ({len(rows)} messages), "
        "not the answers: export the channel with both sides, by DiscordChatExporter for example"
    )
    if rows:
        yield 1, Unread("record.unreadable", detail, rows[:3])
