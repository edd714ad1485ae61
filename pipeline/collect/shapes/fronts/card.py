"""Files of roleplay programs that hold no conversation, so that `collect` refuses them.

{"name": "Ada", "description": "..", "personality": "..", "scenario": "..", "first_mes": ".."}
{"spec": "chara_card_v2", "spec_version": "2.0", "data": {"name": "Ada", "first_mes": "..", ..}}
{"entries": {"0": {"key": ["inn"], "content": "The inn is shut in winter."}}}

Character cards (V1, V2, V3) are for `generate` (JSON, or PNG and CharX with the JSON in it).
Besides them: lorebooks, presets, templates, groups, settings. Their texts look like messages to
some shapes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from pipeline.collect.shapes.transcript import Fields

CARD = "a character card: a persona without a conversation. `generate` reads it, not `collect`"
LOREBOOK = "a lorebook: facts about a world, and no conversation"
# what a file is → names of fields that are all in it
KINDS: tuple[tuple[str, tuple[str, ...]], ...] = (
    (CARD, ("char_name", "char_persona")),
    (CARD, ("char_name", "char_greeting")),
    (CARD, ("kind", "persona", "greeting", "sampleChat")),
    (CARD, ("persona", "displayName", "loreItems")),
    ("a list of what is in an archive of Backyard", ("schemaVersion", "characters", "scenarios")),
    ("a preset with prompts, and no conversation", ("prompts", "prompt_order")),
    ("a preset of an instruct template", ("input_sequence", "output_sequence")),
    ("a preset of a context template", ("story_string",)),
    ("a preset of a sampler", ("temp", "rep_pen", "top_p")),
    ("a preset of a sampler", ("temperature", "rep_pen", "top_p")),
    ("a preset of a sampler", ("temperature", "repetition_penalty", "top_p")),
    ("a preset of a sampler", ("temperature", "openai_max_context")),
    ("the settings of a program", ("power_user", "main_api")),
    ("the settings of a program", ("power_user", "world_info_settings")),
    ("a group of characters, without its chats", ("members", "chats", "allow_self_responses")),
    ("a group of characters, without its chats", ("members", "chats", "activation_strategy")),
    ("a theme", ("main_text_color", "blur_tint_color")),
    ("a set of quick replies", ("qrList",)),
    ("a set of quick replies", ("quickReplySlots",)),
    ("a script of search and replace", ("scriptName", "findRegex")),
    ("a list of personas, without a conversation", ("personas", "persona_descriptions")),
    (LOREBOOK, ("lorebookVersion", "entries")),
    ("a character of text-generation-webui, without its chats", ("name", "greeting", "context")),
)
# lists under these names may be a conversation
TALKS = (
    "messages",
    "conversation",
    "conversations",
    "chat",
    "turns",
    "dialogue",
    "dialogues",
    "example_dialogue",
)


def refusal(sample: Iterable[object]) -> str | None:
    """What the file is, if all its records are of that kind; None when it may hold messages."""
    kinds = {what(record) for record in sample}
    return kinds.pop() if len(kinds) == 1 else None


def what(record: object) -> str | None:
    """What a record is that holds no conversation; None for any other."""
    if not isinstance(record, dict):
        return None
    if any(isinstance(record.get(name), list | dict) for name in TALKS):
        return None
    if is_card(record):
        return CARD
    if _is_lorebook(record):
        return LOREBOOK
    fitting = (kind for kind, names in KINDS if all(name in record for name in names))
    return next(fitting, None)


def is_card(record: object) -> bool:
    """Whether it is a card that `generate` reads."""
    if not isinstance(record, dict):
        return False
    spec = str(record.get("spec", ""))
    return "first_mes" in record or spec.startswith("chara_card") or _has_greeting(record)


def _has_greeting(record: Fields) -> bool:
    return "char_name" in record and "char_greeting" in record


def _is_lorebook(record: Fields) -> bool:
    """Entries with keywords and a text, of SillyTavern, Agnai, NovelAI or RisuAI."""
    entries = record.get("entries")
    if record.get("type") == "risu" and "ver" in record:
        entries = record.get("data")
    if isinstance(entries, Mapping):
        entries = list(entries.values())
    return isinstance(entries, list) and bool(entries) and all(map(_is_entry, entries))


def _is_entry(entry: object) -> bool:
    if not isinstance(entry, dict):
        return False
    keyed = any(name in entry for name in ("key", "keys", "keywords"))
    return keyed and any(name in entry for name in ("content", "entry", "text"))
