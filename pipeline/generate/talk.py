"""Two models really talking: each sees itself as the assistant and the other as the user."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, cast

from pipeline.conversation import Message, Persona, Role
from pipeline.formats.cards import Character, filled
from pipeline.generate.check import Fault, fault
from pipeline.generate.invent import User
from pipeline.generate.plan import STAGES, Plan, cue_of, moves, role_at, words_of
from pipeline.generate.prompts import Prompts
from pipeline.llm import Answer, CallFailed, Client
from pipeline.recipe.settings import GenerateSettings

Side = Literal["user", "assistant"]
Chat = list[dict[str, str]]

SCRIPT_ROLES: dict[str, Role] = {"user": "user", "character": "assistant"}
SCRIPT_SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "messages": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {
                    "role": {"type": "string", "enum": ["user", "character"]},
                    "content": {"type": "string"},
                },
                "required": ["role", "content"],
                "additionalProperties": False,
            },
        }
    },
    "required": ["messages"],
    "additionalProperties": False,
}


@dataclass(frozen=True, slots=True)
class Scene:
    """Who talks with whom, about what, how. greeting: the character's first words, where a greeting of its own fits.

    sample: numbers the calls so that no two talks share an answer.
    """

    character: Character
    user: User
    situation: str
    topic: str
    greeting: str | None
    plan: Plan
    sample: int

    def fault(self, said: Sequence[Message], new: Message, prompts: Prompts) -> Fault | None:
        """The first thing wrong with a new message."""
        side = Persona(self.user.name, self.user.description)
        if new.role == "assistant":
            side = Persona(self.character.name, self.character.description)
        return fault(said, new, side, prompts)


@dataclass(slots=True)
class Told:
    """What became of a talk: good messages, every failed try, and what was paid. `cut`: the fault that ended it.

    models: who spoke for each side, as the server names it.
    """

    said: list[Message] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    answers: list[Answer] = field(default_factory=list)
    lost: list[CallFailed] = field(default_factory=list)
    models: dict[str, str] = field(default_factory=dict)
    cut: Fault | None = None


def view(said: Sequence[Message], side: Side, system: str, begin: str, direction: str) -> Chat:
    """The talk as one side sees it: itself as assistant, the other as user, the direction at the end.

    Roles alternate and the last one is `user`, whoever opened; some chat templates accept nothing else.
    """
    chat = [{"role": "system", "content": system}]
    if not said or said[0].role == side:
        chat.append({"role": "user", "content": begin})
    chat += [
        {"role": "assistant" if m.role == side else "user", "content": m.content} for m in said
    ]
    chat[-1] = {"role": "user", "content": f"{chat[-1]['content']}\n\n{direction}"}
    return chat


async def talk(scene: Scene, line: Client, settings: GenerateSettings, prompts: Prompts) -> Told:
    """A talk message by message, until its planned length or the first message that three tries did not get right."""
    told = Told(said=opening(scene))
    systems = systems_of(scene, prompts)
    while len(told.said) < scene.plan.turns and told.cut is None:
        message = await _message(told, scene, systems, line, settings, prompts)
        if message is not None:
            told.said.append(message)
    return told


async def _message(
    told: Told,
    scene: Scene,
    systems: dict[Side, str],
    line: Client,
    settings: GenerateSettings,
    prompts: Prompts,
) -> Message | None:
    """The next message, or None after the last try; the faults are noted in `told`."""
    index = len(told.said)
    side = cast(Side, role_at(scene.plan.opener, index))
    model = settings.user if side == "user" else settings.character
    again: Fault | None = None
    for ask in range(settings.asks):
        note = direction(scene, told.said, prompts, again)
        chat = view(told.said, side, systems[side], prompts.direction("begin"), note)
        try:
            answer = await line.ask(
                model, chat, sample=scene.sample * settings.asks + ask,
                temperature=settings.temperature, top_p=settings.top_p, max_tokens=400 + 6 * scene.plan.words[index],
            )  # fmt: skip
        except CallFailed as failed:
            told.lost.append(failed)
            again = Fault(index, f"call.{failed.reason}", failed.detail)
            told.faults.append(again)
            break
        told.answers.append(answer)
        told.models[side] = answer.model
        message = Message(cast(Role, side), answer.text.strip(), _name(scene, side))
        again = scene.fault(told.said, message, prompts)
        if again is None:
            return message
        told.faults.append(again)
    told.cut = again
    return None


async def script(scene: Scene, line: Client, settings: GenerateSettings, prompts: Prompts) -> Told:
    """A whole talk in one call, cut before its first bad message; asked again when too little is left.

    Of several tries the longest counts, with the fault that ended it.
    """
    told = Told()
    again = ""
    for ask in range(settings.asks):
        chat = [{"role": "user", "content": script_prompt(scene, prompts) + again}]
        try:
            answer = await line.ask(
                settings.inventor, chat, sample=scene.sample * settings.asks + ask, schema=SCRIPT_SCHEMA,
                temperature=settings.temperature, top_p=settings.top_p, max_tokens=1000 + 6 * sum(scene.plan.words),
            )  # fmt: skip
        except CallFailed as failed:
            told.lost.append(failed)
            _take(told, [], Fault(0, f"call.{failed.reason}", failed.detail))
            break
        told.answers.append(answer)
        told.models = {"user": answer.model, "assistant": answer.model}
        said, wrong = read_script(answer.data, scene, prompts)
        if wrong is None and len(said) < settings.turns[0]:
            wrong = Fault(len(said), "talk.short", f"{len(said)} messages")
        _take(told, said, wrong)
        if len(said) >= settings.turns[0]:
            break
        again = f"\n\n{_again(wrong, prompts)}" if wrong else ""
    return told


def _take(told: Told, said: list[Message], wrong: Fault | None) -> None:
    """Note what is wrong with a script, and the script itself where it is the longest so far."""
    told.faults += [wrong] if wrong else []
    if len(said) > len(told.said) or not told.said:
        told.said, told.cut = said, wrong


def read_script(data: Any, scene: Scene, prompts: Prompts) -> tuple[list[Message], Fault | None]:
    """The good messages at the beginning of a script (data fits SCRIPT_SCHEMA), and what is wrong with the next.

    What goes on beyond the planned length is wrong too: nobody else would keep to the lengths of the recipe.
    """
    said: list[Message] = []
    for index, raw in enumerate(data["messages"]):
        if index == scene.plan.turns:
            return said, Fault(index, "script.long", f"{len(data['messages'])} messages")
        content, role = raw["content"], SCRIPT_ROLES[raw["role"]]
        if role != role_at(scene.plan.opener, index):
            return said, Fault(index, "script.alternation", f"message {index} is of {raw['role']}")
        message = Message(role, content.strip(), _name(scene, cast(Side, role)))
        if index == 0 and opening(scene):
            message = opening(scene)[0]
        wrong = scene.fault(said, message, prompts)
        if wrong:
            return said, wrong
        said.append(message)
    return said, None


def opening(scene: Scene) -> list[Message]:
    """The character's greeting, word for word, where the character opens and has one."""
    greeting = scene.greeting
    if scene.plan.opener == "user" or not greeting:
        return []
    return [
        Message(
            "assistant",
            filled(greeting, scene.character.name, scene.user.name),
            scene.character.name,
        )
    ]


def systems_of(scene: Scene, prompts: Prompts) -> dict[Side, str]:
    """The system prompt of each side. The user side never sees the card: neither who this is nor its scenario."""
    char, user = scene.character, scene.user
    secret = char.origin == "card" and scene.greeting
    known = prompts.direction("as greeted") if secret else scene.situation

    def fill(text: str | None) -> str:
        return filled(text, char.name, user.name) if text else "-"

    manner = "\n".join(
        f"{'-' if m.role == 'user' else '>'} {fill(m.content)}" for m in char.example_dialogue
    )
    return {
        "assistant": prompts.prompt(
            "talk-character", name=char.name, user=user.name, description=fill(char.description),
            situation=fill(scene.situation), topic=fill(scene.topic),
            examples=manner or "-",
        ),
        "user": prompts.prompt(
            "talk-user", name=user.name, age=user.age, description=user.description, style=user.style,
            mood=prompts.direction(f"mood {scene.plan.mood}"), char=char.name, situation=fill(known),
        ),
    }  # fmt: skip


def direction(
    scene: Scene, said: Sequence[Message], prompts: Prompts, again: Fault | None = None
) -> str:
    """The note for the next message: stage, step, cue of the end, length, and why the last try failed."""
    plan, index = scene.plan, len(said)
    stage, move = moves(said, plan, prompts.rebuffs)[-1]
    cue = cue_of(said, plan, prompts.rebuffs)
    parts = [prompts.direction("first")] if not said else []
    parts.append(prompts.direction(f"step {STAGES[stage]}" if move == "step" else STAGES[stage]))
    if move == "answer":
        parts.append(prompts.direction("answer"))
    if cue:
        parts.append(
            prompts.direction(f"cue {cue}", char=scene.character.name, user=scene.user.name)
        )
    words = words_of(plan, index, move, cue)
    parts.append(
        prompts.direction("few words") if words <= 4 else prompts.direction("words", words=words)
    )
    if plan.careless[index]:
        parts.append(prompts.direction("careless"))
    if again:
        parts.append(_again(again, prompts))
    return prompts.direction("note", text=" ".join(parts))


def _again(wrong: Fault, prompts: Prompts) -> str:
    heading = f"reason {wrong.reason}"
    return prompts.direction(
        "again",
        reason=prompts.direction(heading if heading in prompts.directions else "reason default"),
    )


def script_prompt(scene: Scene, prompts: Prompts) -> str:
    """The prompt for a whole talk in one call."""
    char, user, plan = scene.character, scene.user, scene.plan
    names = {"char": char.name, "user": user.name}
    opened = opening(scene)
    opens = (
        "open user"
        if plan.opener == "user"
        else "open character"
        if opened
        else "open character new"
    )
    steps = dict(zip(("first", "second"), plan.steps, strict=False))
    description = filled(char.description, char.name, user.name)
    return prompts.prompt(
        "script", name=char.name, user=user.name, age=user.age, description=description,
        topic=scene.topic,
        user_description=user.description, style=user.style, mood=prompts.direction(f"mood {plan.mood}"),
        situation=filled(scene.situation, char.name, user.name), turns=plan.turns,
        opening=prompts.direction(opens, greeting=opened[0].content if opened else "", **names),
        course=prompts.direction(f"course {len(plan.steps)}", **steps),
        ending=prompts.direction(f"end {plan.ending}", **names),
    )  # fmt: skip


def _name(scene: Scene, side: Side) -> str:
    return scene.user.name if side == "user" else scene.character.name
