"""Conversations with planted faults, and with decoys that look alike: what `filter` finds of each.

    rows.jsonl     {"id": "refusal-f03", "lang": "en", "messages": [...]}
    truth.jsonl    {"id": "refusal-f03", "kind": "refusal", "fault": true, "family": "wont_write",
                    "text": what was planted, …}

A fault is found by a rule of its own kind, or by a repair of its own kind; anything else that is
found in the row does not count. `OWN` says which rules and repairs are meant for a kind.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple, TypedDict, cast

from pipeline import api

Row = dict[str, Any]  # as it is stored


class Own(NamedTuple):
    """What is meant for a kind: beginnings of rules' names, and words of an edit."""

    rules: str
    edit: str = "(?!)"


LEAKS = (
    "style.template style.label style.other_side style.placeholder style.reasoning style.tool"
    " style.meta style.prompt style.ooc"
)
REPEATS = "style.loop style.repeat style.distinct style.similar"
NUMBERS = "card iban ip phone handle id mac plate passport"
OWN: dict[str, Own] = {
    "refusal": Own("style.refusal style.assistant"),
    "ai_self": Own("style.assistant style.refusal"),
    "generator_meta": Own(f"{LEAKS} style.assistant style.refusal", "note|meta|generator"),
    "think_leak": Own(LEAKS, "reasoning|think"),
    "tool_leak": Own(LEAKS, "tool"),
    "template_token": Own(f"{LEAKS} style.damaged", "template|token|label|markup"),
    "continued_turn": Own(LEAKS, "label|template|token"),
    "ooc": Own(LEAKS, "out.of.character|ooc"),
    "placeholder": Own("style.placeholder style.mention", "placeholder|macro"),
    "stage_only": Own(f"structure.balance structure.words structure.stage {REPEATS}", "empty"),
    "system_echo": Own("style.recited style.prompt style.placeholder style.meta", "prompt|system"),
    "markup_bbcode": Own("style.markup style.placeholder", "markup|bbcode"),
    "markup_html": Own("style.markup", "markup|html|entit"),
    "markup_md": Own("style.markup style.placeholder", "markup|markdown"),
    "citation_leak": Own("style.citation style.tool", "citation"),
    "url_spam": Own("style.spam"),
    "spam_nolink": Own("style.spam"),
    "forum_boilerplate": Own("style.forum", "forum|label|empty|quot"),
    "email_quote": Own("style.quoted style.forum", "quot|label"),
    "mojibake": Own("style.damaged style.noise", "decod|mojibake"),
    "unicode_trick": Own("style.damaged style.unicode style.noise", "characters|invisible|letters"),
    "gibberish": Own("style.noise style.damaged language.foreign"),
    "loop_text": Own(REPEATS),
    "identical_turns": Own(REPEATS),
    "foreign_turn": Own("language.foreign"),
    "declared_language": Own("language.declared"),
    "truncated": Own("structure.truncated", "tail"),
    "role_swap": Own("style.swapped style.roles style.assistant style.recited", "swap"),
    "pii_email": Own("privacy.email"),
    "pii_phone": Own("privacy.phone"),
    "pii_address": Own("privacy.address"),
    "pii_number": Own(" ".join(f"privacy.{name}" for name in NUMBERS.split())),
    "pii_handle": Own("privacy.handle"),
    "secret": Own("privacy.secret privacy.url"),
    "minor": Own("safety.minor"),
    "self_harm": Own("safety.self_harm"),
    "hate": Own("safety.hate safety.coercion"),
    "injection": Own("safety.injection style.template style.placeholder style.prompt"),
    "control": Own("no rule"),
}


class Truth(TypedDict):
    """What was planted in a row. fault: false for a decoy."""

    id: str
    kind: str
    fault: bool
    family: str
    lang: str
    text: str


class Judged(NamedTuple):
    """A row after `filter`: whether it was dropped, and whether its own kind was found in it."""

    truth: Truth
    is_dropped: bool
    is_found: bool


def judged(folder: Path) -> list[Judged]:
    """The rows of a folder as `rapport filter` judges them."""
    result = api.filter(str(folder / "rows.jsonl"))
    kept, dropped = _by_record(result.kept), _by_record(result.dropped)
    return [_judged(truth, kept, dropped) for truth in truths(folder)]


def truths(folder: Path) -> list[Truth]:
    lines = (folder / "truth.jsonl").read_text("utf-8").splitlines()
    return [cast(Truth, json.loads(line)) for line in lines]


def _by_record(rows: Iterable[Row]) -> dict[str, Row]:
    return {row["source"]["record"]: row for row in rows}


def _judged(truth: Truth, kept: dict[str, Row], dropped: dict[str, Row]) -> Judged:
    name = truth["id"]
    row = dropped[name] if name in dropped else kept[name]
    own = OWN[truth["kind"]]
    counted = [finding for finding in row["findings"] if finding["decision"] != "measured"]
    is_found = any(finding["rule"].startswith(tuple(own.rules.split())) for finding in counted)
    is_repaired = re.search(own.edit, " | ".join(row["edits"]), re.I)
    return Judged(truth, name in dropped, is_found or is_repaired is not None)
