"""What the chat templates of model families ask of a conversation, as templates written by us.

    alternating   a system message, then user and assistant strictly in turn
    folded        the same, the system message written into the user's first turn, as Gemma 3 does
    no_system     user and assistant strictly in turn and nothing else, as older Mistral

Each gives the text that a model would read, or says what it does not take.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from pipeline.recipe.publish import PublishSettings

TemplateTurns = Sequence[Mapping[str, str]]  # messages as {role, content}
Template = Callable[[TemplateTurns], str]


class NotTaken(ValueError):
    """What a template does not take of a conversation."""


def alternating(messages: TemplateTurns) -> str:
    system, spoken = _parted(messages)
    head = f"<|system|>{system}<|end|>" if system else ""
    return head + _in_turn(spoken)


def folded(messages: TemplateTurns) -> str:
    system, spoken = _parted(messages)
    if system and spoken:
        first = {**spoken[0], "content": f"{system}\n\n{spoken[0]['content']}"}
        spoken = [first, *spoken[1:]]
    return _in_turn(spoken)


def no_system(messages: TemplateTurns) -> str:
    if any(message["role"] == "system" for message in messages):
        raise NotTaken("a system message")
    return _in_turn(messages)


def _parted(messages: TemplateTurns) -> tuple[str, TemplateTurns]:
    """The system message, and the others."""
    if messages and messages[0]["role"] == "system":
        return messages[0]["content"], messages[1:]
    return "", messages


def _in_turn(messages: TemplateTurns) -> str:
    pieces = []
    for number, message in enumerate(messages):
        expected = ("user", "assistant")[number % 2]
        if message["role"] != expected:
            raise NotTaken(f"{message['role']} where {expected} is to speak")
        if not message["content"].strip():
            raise NotTaken(f"an empty message of the {expected}")
        pieces.append(f"<|{expected}|>{message['content']}<|end|>")
    if not messages or messages[-1]["role"] != "assistant":
        raise NotTaken("a last message that is not the assistant's")
    return "".join(pieces)


def templates(settings: PublishSettings) -> dict[str, Template]:
    """Those that the dataset is made for."""
    found: dict[str, Template] = {"alternating": alternating, "folded": folded}
    if settings.system_in == "first_user":
        found["no_system"] = no_system
    return found


def not_taken(messages: TemplateTurns, settings: PublishSettings) -> Iterator[str]:
    """Why templates do not take a conversation, a reason for each that does not."""
    for name, template in templates(settings).items():
        try:
            template(messages)
        except NotTaken as error:
            yield f"{name}: {error}"
