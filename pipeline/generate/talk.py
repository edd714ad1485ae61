"""Two models really talking: each sees itself as the assistant and the other as the user.

the talk                       as the character sees it     as the user side sees it
                               system: who you are          system: who you are
character  Mind the paint.     user: [The talk begins.]     user: Mind the paint.
                               assistant: Mind the paint.         + [Note: …]
user       which paint         user: which paint            assistant: (asked for now)
                                     + [Note: …]
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from typing import TypedDict, cast

from pipeline.conversation import Alternative, Message
from pipeline.generate.check import Fault
from pipeline.generate.choice import best, is_low
from pipeline.generate.context import Chat, GenerateContext, JsonSchema, model_of
from pipeline.generate.plan import Side, is_turning_point
from pipeline.generate.prompts import Prompts
from pipeline.generate.scene import (
    Scene,
    again,
    earlier,
    lore,
    note,
    opening,
    script_prompt,
    systems_of,
)
from pipeline.llm import Answer, CallFailed, tokens_in
from pipeline.pacing.uptake import rebuffs

SCRIPT_SIDES: dict[str, Side] = {"user": "user", "character": "assistant"}
SCRIPT_MESSAGE: JsonSchema = {
    "type": "object",
    "properties": {
        "role": {"type": "string", "enum": list(SCRIPT_SIDES)},
        "content": {"type": "string"},
    },
    "required": ["role", "content"],
    "additionalProperties": False,
}
SCRIPT_SCHEMA: JsonSchema = {
    "type": "object",
    "properties": {"messages": {"type": "array", "items": SCRIPT_MESSAGE}},
    "required": ["messages"],
    "additionalProperties": False,
}
# Tokens that an answer may take: a little, and some for each word wanted. Our choice.
TOKENS_OF_A_WORD = 6
TOKENS_OF_A_MESSAGE = 400
TOKENS_OF_A_SCRIPT = 1000
CANDIDATE = 1_000_000  # sample numbers of one message's further candidates lie so far apart


class ScriptMessage(TypedDict):
    """A message of a script. role: a key of SCRIPT_SIDES."""

    role: str
    content: str


class Script(TypedDict):
    """An answer that fits SCRIPT_SCHEMA."""

    messages: list[ScriptMessage]


@dataclass(slots=True)
class TalkResult:
    """What became of a talk: the good messages, every fault, and what was paid.

    tries: the texts that were asked for and do not stand in the talk, whole, and, where there are
    such, the one that does. In a script a try is the whole answer, under its first bad message.
    lost: calls without an answer. models: who spoke for each side, as the server names it.
    cut: the fault that ended the talk before its planned length.
    """

    messages: list[Message] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    tries: list[Alternative] = field(default_factory=list)
    answers: list[Answer] = field(default_factory=list)
    lost: list[CallFailed] = field(default_factory=list)
    models: dict[Side, str] = field(default_factory=dict)
    cut: Fault | None = None


# --- message by message


async def talk(scene: Scene, context: GenerateContext) -> TalkResult:
    """A talk up to its planned length, or to the first message that no try got right."""
    result = TalkResult(messages=opening(scene))
    systems = systems_of(scene, context.prompts)
    while len(result.messages) < scene.plan.turns and result.cut is None:
        await _add_message(result, scene, systems, context)
    return result


async def _add_message(
    result: TalkResult, scene: Scene, systems: dict[Side, str], context: GenerateContext
) -> None:
    """Ask for the next message until it is good, at a turning point until several are. When no try
    is, the talk is cut."""
    system = systems[scene.side_at(len(result.messages))]
    wanted = _wanted(result.messages, scene, context)
    tries: list[Message] = []
    faults: list[Fault | None] = []
    while faults.count(None) < wanted and _failed(faults) < context.settings.asks:
        window = context.settings.window
        chat = _chat(result.messages, scene, system, context.prompts, _last(faults), window)
        try:
            tries.append(await _ask(result, scene, chat, len(faults), context))
        except CallFailed as failure:
            result.lost.append(failure)
            faults.append(_fault_of(failure, len(result.messages)))
            break
        faults.append(scene.fault(result.messages, tries[-1], context.prompts))
    result.faults += filter(None, faults)
    _settle(result, tries, faults, context.prompts.language)


def _wanted(messages: Sequence[Message], scene: Scene, context: GenerateContext) -> int:
    """How many good messages are asked for, one of which will stand in the talk."""
    candidates = context.settings.candidates
    language = context.prompts.language
    if candidates == 1:
        return 1
    if is_turning_point(messages, scene.plan, rebuffs(language)):
        return candidates
    was_low = bool(messages) and is_low(messages[-1].content, language)
    return candidates if was_low else 1


def _failed(faults: Sequence[Fault | None]) -> int:
    return len(faults) - faults.count(None)


def _last(faults: Sequence[Fault | None]) -> Fault | None:
    return faults[-1] if faults else None


async def _ask(
    result: TalkResult, scene: Scene, chat: Chat, number: int, context: GenerateContext
) -> Message:
    """The next message as a model writes it. number: of the try. Raises CallFailed."""
    index, asks = len(result.messages), context.settings.asks
    side = scene.side_at(index)
    answer = await context.ask(
        model_of(side, context.settings),
        chat,
        sample=scene.sample * asks + number % asks + CANDIDATE * (number // asks),
        max_tokens=TOKENS_OF_A_MESSAGE + TOKENS_OF_A_WORD * scene.plan.words[index],
    )
    result.answers.append(answer)
    result.models[side] = answer.model
    return Message(side, answer.text.strip(), scene.name_of(side))


def _settle(
    result: TalkResult, tries: Sequence[Message], faults: Sequence[Fault | None], language: str
) -> None:
    """Put the best of the tries into the talk and keep the others; cut the talk when none is good.

    faults: of each try, and of a call that brought none.
    """
    index = len(result.messages)
    good = [place for place in range(len(tries)) if faults[place] is None]
    chosen = None
    if good:
        found = best(result.messages, [tries[place] for place in good], language)
        chosen = good[found]
    if len(tries) > len(good[:1]):
        for place, message in enumerate(tries):
            reason = _reason(faults[place], place == chosen)
            result.tries.append(Alternative(index, message.content, reason, place == chosen))
    if chosen is None:
        result.cut = _last(faults)
    else:
        result.messages.append(tries[chosen])


def _reason(fault: Fault | None, is_chosen: bool) -> str:
    """Why a text is among the alternatives of a message: the rule it breaks, or what it is."""
    if fault:
        return fault.rule
    return "chosen" if is_chosen else "candidate"


def _fault_of(failure: CallFailed, index: int) -> Fault:
    return Fault(index, f"call.{failure.reason}", failure.detail)


def _chat(
    messages: Sequence[Message],
    scene: Scene,
    system: str,
    prompts: Prompts,
    fault: Fault | None,
    window: int | None = None,
) -> Chat:
    """What the side is sent that writes next. fault: of its last try. window: tokens of messages;
    of those before it only quotes are sent."""
    side = scene.side_at(len(messages))
    begin = prompts.direction("begin")
    if side == "assistant":
        system += lore(scene, messages, prompts)
    first = first_within(messages, window)
    if first:
        system += earlier(scene, messages[:first], prompts)
    return view(messages[first:], side, system, begin, note(scene, messages, prompts, fault))


def first_within(messages: Sequence[Message], window: int | None) -> int:
    """The index of the first message that is sent whole: the last ones that fit, at least two."""
    if window is None:
        return 0
    tokens = accumulate(tokens_in(message.content) for message in reversed(messages))
    fitting = sum(total <= window for total in tokens)
    return max(0, len(messages) - max(2, fitting))


def view(messages: Sequence[Message], side: Side, system: str, begin: str, note: str) -> Chat:
    """The talk as one side sees it: itself as assistant, the other as user, the note at the end.

    Roles alternate and the last one is `user`, whoever opened; some chat templates accept
    nothing else.
    """
    chat = [{"role": "system", "content": system}]
    if not messages or messages[0].role == side:
        chat.append({"role": "user", "content": begin})
    for message in messages:
        role = "assistant" if message.role == side else "user"
        chat.append({"role": role, "content": message.content})
    chat[-1] = {"role": "user", "content": f"{chat[-1]['content']}\n\n{note}"}
    return chat


# --- in one call


async def script(scene: Scene, context: GenerateContext) -> TalkResult:
    """A whole talk in one call, cut before its first bad message; asked again when too short.

    Of several tries the longest counts, with the fault that ended it.
    """
    result, fewest = TalkResult(), context.settings.turns[0]
    fault: Fault | None = None
    for number in range(context.settings.asks):
        try:
            answer = await context.ask(
                context.settings.inventor,
                _script_chat(scene, context.prompts, fault),
                sample=scene.sample * context.settings.asks + number,
                max_tokens=TOKENS_OF_A_SCRIPT + TOKENS_OF_A_WORD * sum(scene.plan.words),
                schema=SCRIPT_SCHEMA,
            )
        except CallFailed as failure:
            result.lost.append(failure)
            _keep_longest(result, [], _fault_of(failure, 0))
            break
        result.answers.append(answer)
        result.models = {"user": answer.model, "assistant": answer.model}
        messages, fault = read_script(cast(Script, answer.data), scene, context.prompts)
        if fault is None and len(messages) < fewest:
            fault = Fault(len(messages), "talk.short", f"{len(messages)} messages")
        if fault:
            result.tries.append(Alternative(fault.message, answer.text, fault.rule))
        _keep_longest(result, messages, fault)
        if len(messages) >= fewest:
            break
    return result


def _script_chat(scene: Scene, prompts: Prompts, fault: Fault | None) -> Chat:
    """fault: of the last try."""
    prompt = script_prompt(scene, prompts)
    if fault:
        prompt += f"\n\n{again(fault, prompts)}"
    return [{"role": "user", "content": prompt}]


def _keep_longest(result: TalkResult, messages: list[Message], fault: Fault | None) -> None:
    """Note the fault of a try, and its messages where they are the most so far."""
    if fault:
        result.faults.append(fault)
    if len(messages) > len(result.messages) or not result.messages:
        result.messages, result.cut = messages, fault


def read_script(
    answer: Script, scene: Scene, prompts: Prompts
) -> tuple[list[Message], Fault | None]:
    """The good messages at the beginning of a script, and what is wrong with the next."""
    messages: list[Message] = []
    for index in range(len(answer["messages"])):
        fault = _fault_of_form(answer, index, scene)
        if fault:
            return messages, fault
        message = _script_message(answer, index, scene)
        fault = scene.fault(messages, message, prompts)
        if fault:
            return messages, fault
        messages.append(message)
    return messages, None


def _fault_of_form(answer: Script, index: int, scene: Scene) -> Fault | None:
    """A message beyond the planned length, or of the wrong side.

    Longer scripts are cut: nothing else would keep to the lengths of the recipe.
    """
    if index == scene.plan.turns:
        return Fault(index, "script.long", f"{len(answer['messages'])} messages")
    role = answer["messages"][index]["role"]
    if SCRIPT_SIDES[role] != scene.side_at(index):
        return Fault(index, "script.alternation", f"message {index} is of {role}")
    return None


def _script_message(answer: Script, index: int, scene: Scene) -> Message:
    """The message of a script; the first is the greeting itself, where there is one."""
    greeting = opening(scene)
    if index == 0 and greeting:
        return greeting[0]
    raw = answer["messages"][index]
    side = SCRIPT_SIDES[raw["role"]]
    return Message(side, raw["content"].strip(), scene.name_of(side))
