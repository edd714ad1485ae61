"""Every dialogue set of ../shared/data by one recipe, beside the counts in the README of the sets.

    .venv/bin/python -m benchmarks.sets_table > sets.md

speakers: different names in a play or a conversation, added up; a conversation without names has
those of its roles. personas: sides of conversations that have one. A number stands in bold where it
differs from the README, with the reason behind it.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

from pipeline import collect
from pipeline.conversation import Conversation, Drop
from pipeline.recipe.collect import CollectSettings, SourceSettings
from pipeline.recipe.loading import load

ROOT = Path(__file__).parents[1]
DATA = ROOT.parent / "shared" / "data"
HEADS = (
    "set",
    "README",
    "conversations",
    "messages",
    "speakers",
    "personas",
    "quarantined",
    "why it differs",
)
UNITS = ("dialogues|trees|exchanges|records", "turns|messages|speeches")  # what the README counts
DIRECTIONS = "speeches that are only stage directions are not messages: "
WHY = {
    "oasst_trees": "a tree is one conversation, the best path through its 1,167 messages; "
    "`shape: leaves` gives every path",
    "abcd_sample": "9 of the 72 are actions, not messages; they are kept in `extra`",
    "chatterbot": "8 further entries are not a list: the YAML of the source is broken there",
    "xpersona": "1,000 `__SILENCE__` of the English part are not messages: the assistant begins",
    "plays_de": f"a scene is a conversation; {DIRECTIONS}45",
    "plays_ru": f"a scene is a conversation; {DIRECTIONS}4",
    "plays_pl": "a scene is a conversation",
    "plays_nl": "a scene is a conversation",
    "plays_sv": f"a scene is a conversation; {DIRECTIONS}34",
}


def row(source: SourceSettings, folder: Path, counts: str) -> tuple[object, ...]:
    settings = CollectSettings(sources=[source])
    found = [
        one
        for unit in collect.units(settings, folder)
        for one in collect.read(unit, settings, folder)
    ]
    kept = [one for one in found if isinstance(one, Conversation)]
    assert not any(isinstance(one, Drop) for one in found)
    speakers = {
        (c.split_group or c.id if m.name else c.id, m.name or m.role)
        for c in kept
        for m in c.messages
    }
    personas = sum((c.persona is not None) + (c.user_persona is not None) for c in kept)
    numbers = [len(kept), sum(len(c.messages) for c in kept)]
    listed = [re.search(rf"(\d+) ({units})", counts) for units in UNITS]
    shown = [
        f"**{n:,}**" if m and int(m[1]) != n else f"{n:,}"
        for n, m in zip(numbers, listed, strict=True)
    ]
    return (
        source.name,
        counts,
        *shown,
        f"{len(speakers):,}",
        f"{personas:,}",
        len(found) - len(kept),
        WHY.get(source.name, ""),
    )


def main() -> None:
    recipe = ROOT / "benchmarks" / "recipes" / "all-sets.yaml"
    counts = {
        one["set"]: one.get("counts", "")
        for one in json.loads((DATA / "catalog.json").read_text("utf-8"))
    }
    print("|", " | ".join(HEADS), "|")
    print("|---" * len(HEADS) + "|")
    for source in load(recipe).collect.sources:
        print(
            "|",
            " | ".join(map(str, row(source, recipe.parent, counts[source.name]))),
            "|",
            flush=True,
        )


if __name__ == "__main__":
    main()
