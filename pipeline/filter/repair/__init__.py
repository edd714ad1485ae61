"""Repair before reject: what can be repaired without guessing is, and every repair is an entry in
`edits`.

    repair_texts(row, settings)    the messages and alternatives one by one
    repair_shape(row, settings)    then the conversation as a whole
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from pipeline.conversation import Conversation
from pipeline.filter.repair.characters import is_untidy, outside_code, tidy
from pipeline.filter.repair.decoding import decode, is_suspect
from pipeline.filter.repair.draft import SPOKEN, Draft
from pipeline.filter.repair.forum import strip_forum
from pipeline.filter.repair.labels import COLONS, remove_labels
from pipeline.filter.repair.markup import may_hold_markup, strip_markup
from pipeline.filter.repair.notes import remove_notes
from pipeline.filter.repair.quoted import strip_quoted
from pipeline.filter.repair.remains import without_calls, without_citations, without_reasoning
from pipeline.filter.repair.shape import keep_longest_pair, merge
from pipeline.filter.repair.turns import cut_other_side, remove_tokens
from pipeline.recipe.filter import RepairSettings
from pipeline.rules import endings
from pipeline.rules.reading import lookalikes
from pipeline.rules.reading.signs import holds
from pipeline.rules.safety import injection
from pipeline.rules.style import citations, labels, reasoning, tokens, tools
from pipeline.rules.style.page import may_hold_page

# What a machine leaves: in words, what removes it, its signs.
_REMAINS: tuple[tuple[str, Callable[[str], str], Sequence[str]], ...] = (
    ("removed reasoning", without_reasoning, reasoning.SIGNS),
    ("removed tool calls and their tokens", without_calls, tools.SIGNS),
    ("removed citation marks", without_citations, citations.SIGNS),
)


def repair_texts(row: Conversation, settings: RepairSettings) -> Conversation:
    """Repair the messages one by one: decoding, remains of machines, markup, remains of pages,
    blanks, notes, labels; then leave out the empty ones."""
    draft = Draft.of(row)
    text = draft.text()
    if settings.mojibake and is_suspect(text):
        draft.change_texts("repaired wrongly decoded text", decode)
    if settings.characters and lookalikes.is_suspect(text):
        draft.change_texts("removed invisible characters", outside_code(lookalikes.visible))
        draft.change_texts("normalised disguised characters", outside_code(lookalikes.plain))
    text = draft.text() if draft.edits else text
    if settings.remains:
        _remove_remains(draft, text)
    if settings.markup and may_hold_markup(text):
        _strip_markup(draft, settings)
    text = draft.text() if draft.edits else text
    if (settings.quoted or settings.forum) and may_hold_page(text.lower()):
        _strip_page(draft, settings)
        text = draft.text()
    if settings.characters and is_untidy(text):
        draft.change_texts("tidied blanks and characters", tidy)
    if settings.notes:
        remove_notes(draft, text)
    if settings.labels and holds(text, COLONS):
        remove_labels(draft, row)
    if settings.turns and labels.may_go_on(text):
        cut_other_side(draft, row)
    if settings.empty:
        empty = [n for n, message in enumerate(draft.messages) if not message.content.strip()]
        draft.remove("removed empty", empty)
        draft.remove_empty_alternatives()
    return draft.repaired(row)


def _strip_page(draft: Draft, settings: RepairSettings) -> None:
    """What mail programs, forums and telephones have written."""
    if settings.quoted:
        draft.change_texts("removed quoted mail", strip_quoted)
    if settings.forum:
        draft.change_texts("removed forum remains", strip_forum)


def _strip_markup(draft: Draft, settings: RepairSettings) -> None:
    """Markup may have hidden what a machine left: `&lt;think&gt;`."""
    before = len(draft.edits)
    draft.change_texts("removed markup", _without_markup)
    if settings.remains and len(draft.edits) > before:
        _remove_remains(draft, draft.text())


def _remove_remains(draft: Draft, text: str) -> None:
    """What a machine left; the tokens last, which tell how long a block of reasoning is. text: all
    messages and alternatives."""
    for what, change, signs in _REMAINS:
        if holds(text, signs):
            draft.change_texts(what, change, SPOKEN, signs)
    if holds(text, tokens.SIGNS):
        remove_tokens(draft)


def _without_markup(text: str) -> str:
    """A comment with an order to models stays, for `safety.injection` to find."""
    is_aimed = "<!--" in text and injection.aims_at_model(text)
    return text if is_aimed else strip_markup(text)


def repair_shape(row: Conversation, settings: RepairSettings) -> Conversation:
    """Make it a dialogue: two speakers in turn, cut at the last good reply."""
    draft = Draft.of(row)
    if settings.pair:
        keep_longest_pair(draft, settings.least)
    if settings.merge:
        merge(draft)
    if settings.tail and endings.breaks_off(draft.messages):
        draft.remove("cut the tail that breaks off:", [len(draft.messages) - 1])
    if settings.trim and len(draft.messages) >= 2 and draft.messages[-1].role == "user":
        draft.remove("trimmed unanswered", [len(draft.messages) - 1])
    return draft.repaired(row)
