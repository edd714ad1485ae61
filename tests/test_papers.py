"""The formats of papers: corpora as their makers published them. All texts are ours."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from pipeline.collect.shapes import placeholders
from pipeline.collect.shapes.transcript import Transcript
from pipeline.conversation import Alternative, Persona

NAMES = {"assistant": "Ada", "user": "Ben"}


def test_placeholders_are_filled_everywhere_and_noted() -> None:
    transcript = Transcript(
        [("Ada", "{{User}} sits by <CHAR>; `cd <user>`", None), (None, "<SECOND>?", "user")],
        {
            None: Persona(
                "Ada", "{{char}} bakes.", "Hi {{user}}", "<FIRST> meets <USER>", "{{char}}"
            )
        },
        alternatives=(Alternative(0, "{{ bot }} waits.", "swipe"),),
        notes=("earlier",),
    )
    filled = placeholders.fill(transcript, NAMES)
    assert [text for _, text, _ in filled.turns] == ["Ben sits by Ada; `cd <user>`", "Ben?"]
    assert filled.personas[None] == Persona(
        "Ada", "Ada bakes.", "Hi Ben", "Ada meets Ben", "{{char}}"
    )
    assert filled.alternatives[0].content == "Ada waits."
    assert filled.notes == ("earlier", placeholders.NOTE)


@given(st.text())
def test_a_text_without_placeholders_or_names_stays(text: str) -> None:
    assert placeholders.fill_text(text, {"assistant": None}) == text
    plain = text.replace("{", "").replace("<", "")
    transcript = Transcript([(None, plain, "user")])
    assert placeholders.fill(transcript, NAMES) == transcript
