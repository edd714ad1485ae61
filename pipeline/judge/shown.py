"""What the model is shown of a conversation: data, one JSON object a line.

A text cannot leave its line, for JSON writes its line breaks and quotes as escapes; and every line
of data begins with a brace, so that no text can look like a line of the prompt.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from functools import cache
from string import Template

from pipeline import UserError, texts
from pipeline.conversation import Conversation
from pipeline.criteria import Criterion

# characters that end a line for some readers, and that JSON leaves as they are
_BREAKS = {ord(character): f"\\u{ord(character):04x}" for character in "\x85\u2028\u2029"}
NOTHING = "(none)"


def prompt(name: str, **values: object) -> list[dict[str, str]]:
    """The prompt `configs/prompts/<name>.md` as one message, its `$names` filled in.

    Some servers drop a system message in silence, so there is none. Raises UserError when the file
    names a value that does not exist.
    """
    try:
        content = _template(name).substitute(values)
    except (KeyError, ValueError) as error:
        known = f"Known there: {', '.join(sorted(values))}; write $$ for a dollar"
        raise UserError(f"prompts/{name}.md: {error}. {known}.") from None
    return [{"role": "user", "content": content}]


@cache
def _template(name: str) -> Template:
    return Template(texts.text("prompts", f"{name}.md"))


def question(criterion: Criterion) -> dict[str, str]:
    """What is asked: the values of a prompt that say what a criterion means."""
    levels = [f"{level}: {text}" for level, text in criterion.levels.items()]
    return {
        "criterion": criterion.name.replace("_", " "),
        "definition": criterion.definition,
        "levels": "\n".join(levels),
    }


def card(row: Conversation) -> str:
    """Who the assistant is to be: the card, and system messages."""
    known: dict[str, str | None] = {}
    if row.persona:
        persona = row.persona
        known = {"name": persona.name, "description": persona.description}
        known["scenario"] = persona.scenario
    system = [message.content for message in row.messages if message.role == "system"]
    known["instructions"] = "\n".join(system) or None
    given = {name: text for name, text in known.items() if text}
    return _line(given) if given else NOTHING


def lines(row: Conversation, indices: Sequence[int]) -> str:
    """Messages as lines, each with its number."""
    return "\n".join(_lines(row, indices)) or NOTHING


def _lines(row: Conversation, indices: Sequence[int]) -> Iterator[str]:
    planned = _planned(row)
    for index in indices:
        message = row.messages[index]
        shown: dict[str, object] = {"message": index, "role": message.role}
        shown |= planned.get(index, {})
        yield _line(shown | {"content": message.content})


def _planned(row: Conversation) -> dict[int, dict[str, str]]:
    """What `generate` had planned for each message: the stage, and the decision where one is known.

    Of other sources nothing is planned: a stage there is what a scorer believes.
    """
    if row.source.kind != "generated":
        return {}
    found = {}
    for index, annotation in enumerate(row.annotations):
        known = {"stage": annotation.stage, "decision": annotation.decision}
        found[index] = {name: text for name, text in known.items() if text}
    return found


def _line(value: dict[str, object] | dict[str, str]) -> str:
    return json.dumps(value, ensure_ascii=False).translate(_BREAKS)
