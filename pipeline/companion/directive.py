"""What a model is sent: who it is, the talk, and a note on how close to be now."""

from __future__ import annotations

from collections.abc import Sequence

from pipeline.companion.agent import Companion
from pipeline.companion.decision import is_vulnerable
from pipeline.companion.state import NextStep, TalkState
from pipeline.conversation import Message
from pipeline.formats import lorebook
from pipeline.formats.cards import fill_macros
from pipeline.generate.check import Fault
from pipeline.generate.scene import again
from pipeline.generate.talk import first_within
from pipeline.llm.request import ChatMessage
from pipeline.pacing import STAGES

GLAD = ("joy", "love", "surprise")
OF_OURS = {"companion.close": "close", "companion.clinging": "held"}  # faults with words of ours


def chat(
    who: Companion,
    messages: Sequence[Message],
    state: TalkState,
    move: NextStep,
    facts: Sequence[str] = (),
    fault: Fault | None = None,
) -> list[ChatMessage]:
    """What the model is sent for the next message. facts: quotes from earlier talks. fault: of the
    last try.

    Roles alternate and the last one is `user`: some chat templates accept nothing else.
    """
    first = first_within(messages, who.settings.window)
    shown = messages[first:]
    turns = [_turn(who, message) for message in shown]
    if not turns or turns[0]["role"] == "assistant":
        turns.insert(0, {"role": "user", "content": who.prompts.direction("begin")})
    turns.append({"role": "user", "content": note(who, state, move, fault)})
    return [{"role": "system", "content": system(who, messages, facts)}, *_joined(turns)]


def system(who: Companion, messages: Sequence[Message], facts: Sequence[str] = ()) -> str:
    """Who the model is, what its lorebook has to say now, and what it knows of the other side."""
    character, persona = who.character, who.persona
    examples = [_example(who, message) for message in character.example_dialogue]
    prompt = who.prompts.prompt(
        "talk-character",
        name=who.name,
        user=who.words.user,
        description=persona.description or "-",
        situation=persona.scenario or who.words.situation,
        topic=", ".join(character.topics[:2]) or "-",
        examples="\n".join(examples) or "-",
    )
    lore = lorebook.shown(character.lore, [message.content for message in messages])
    if lore:
        known = _filled(who, "\n".join(lore))
        prompt += "\n\n" + who.prompts.direction("lore", text=known)
    if facts:
        prompt += "\n\n" + "\n- ".join([who.words.facts + ":", *facts])
    return prompt


def note(who: Companion, state: TalkState, move: NextStep, fault: Fault | None = None) -> str:
    """How close to be now, how the other side feels, how long to write."""
    parts = [_stage(who, state, move)]
    if move.reason == "leaves":
        parts.append(who.prompts.direction("cue bye"))
    if is_vulnerable(state):
        parts.append(who.words.boundaries)
    if state.ahead:
        parts.append(who.words.ahead)
    if state.emotion in GLAD:
        parts.append(who.words.glad)
    parts.append(who.prompts.direction("words", words=who.settings.words))
    if fault:
        parts.append(_again(who, fault))
    return who.prompts.direction("note", text=" ".join(parts))


def _stage(who: Companion, state: TalkState, move: NextStep) -> str:
    """How close to be. Beside somebody who is low nothing else counts."""
    if move.reason == "low":
        return who.words.low
    if move.step == "closer":
        return who.prompts.direction(f"step {STAGES[state.stage + 1]}")
    if move.step == "hold":
        return who.prompts.direction(STAGES[state.stage])
    lower = who.prompts.direction(STAGES[max(0, state.stage - 1)])
    if move.reason == "untaken":
        return f"{lower} {who.prompts.direction('back')}"
    return f"{lower} {who.words.space}"


def _again(who: Companion, fault: Fault) -> str:
    own = OF_OURS.get(fault.rule)
    if own is None:
        return again(fault, who.prompts)
    return who.prompts.direction("again", reason=getattr(who.words, own))


def _turn(who: Companion, message: Message) -> ChatMessage:
    """A message as the model sees it. A note of the user's own making is none."""
    opening = who.prompts.direction("note", text="").rstrip(" ]")
    content = message.content.replace(opening, opening.replace("[", "("))
    return {"role": message.role, "content": content}


def _joined(turns: Sequence[ChatMessage]) -> list[ChatMessage]:
    """Turns of one side in a row as one."""
    joined: list[ChatMessage] = []
    for turn in turns:
        if joined and joined[-1]["role"] == turn["role"]:
            content = f"{joined[-1]['content']}\n\n{turn['content']}"
            joined[-1] = {"role": turn["role"], "content": content}
        else:
            joined.append(turn)
    return joined


def _example(who: Companion, message: Message) -> str:
    sign = "-" if message.role == "user" else ">"
    return f"{sign} {_filled(who, message.content)}"


def _filled(who: Companion, text: str) -> str:
    return fill_macros(text, who.name, who.words.user)
