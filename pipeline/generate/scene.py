"""A scene: who talks with whom, about what; and what each side is sent about it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pipeline.conversation import Message, Persona, normalised
from pipeline.formats import lorebook
from pipeline.formats.cards import Character, fill_macros
from pipeline.generate.candidates import User
from pipeline.generate.check import QUOTED, REPEATED_WORDS, Fault, first_fault
from pipeline.generate.facts import Remark
from pipeline.generate.memory import DAY, WEEK, HeldSitting, Past, promise_place, quotes_of
from pipeline.generate.memory import QUOTED as QUOTES
from pipeline.generate.plan import Plan, Position, Side, cue_of, moves, side_at, words_of
from pipeline.generate.prompts import Prompts
from pipeline.generate.recall import facts_about, recall_fault
from pipeline.pacing import STAGES
from pipeline.pacing.uptake import length, rebuffs

FEW_WORDS = 4  # and fewer: asked for in words, not as a number


@dataclass(frozen=True, slots=True)
class Scene:
    """Who talks with whom, about what, how.

    greeting: the character's first message, where it has one of its own for this talk.
    sample: numbers the calls, so that no two talks share an answer. past: what the two bring along;
    None: they have never met.
    """

    character: Character
    user: User
    situation: str
    topic: str
    greeting: str | None
    plan: Plan
    sample: int
    past: Past | None = None

    def side_at(self, index: int) -> Side:
        """Who writes the message with this index."""
        return side_at(self.plan.opener, index)

    def name_of(self, side: Side) -> str:
        return self.user.name if side == "user" else self.character.name

    def fill(self, text: str) -> str:
        """The text with the macros of cards replaced by the two names."""
        return fill_macros(text, self.character.name, self.user.name)

    def fault(self, earlier: Sequence[Message], new: Message, prompts: Prompts) -> Fault | None:
        """The first thing wrong with a new message."""
        speaker = self.user if new.role == "user" else self.character
        persona = Persona(speaker.name, speaker.description)
        fault = first_fault(earlier, new, persona, prompts)
        if fault:
            return fault
        if new.role == "assistant" and self._is_example(new.content):
            return Fault(len(earlier), "talk.example", new.content[:QUOTED])
        known = [*facts_about(self.character, self.user), *(self.past.facts if self.past else ())]
        return recall_fault(earlier, new, known, self.past, self.due, prompts.speech)

    def _is_example(self, text: str) -> bool:
        """Is it a line of the card's example dialogue? They show how the character talks."""
        words = normalised(text)
        if length(words) < REPEATED_WORDS:
            return False
        lines = (self.fill(message.content) for message in self.character.example_dialogue)
        return any(normalised(line) == words for line in lines)

    @property
    def due(self) -> int | None:
        """The message with which an old promise must have been taken up."""
        return promise_place(self.past, self.plan.opener)


def opening(scene: Scene) -> list[Message]:
    """The character's greeting, word for word, where the character opens and has one."""
    if scene.plan.opener == "user" or not scene.greeting:
        return []
    return [Message("assistant", scene.fill(scene.greeting), scene.character.name)]


def systems_of(scene: Scene, prompts: Prompts) -> dict[Side, str]:
    """The system prompt of each side, with what both remember.

    The user side never sees the card: neither who the character is nor its scenario.
    """
    remembered = _remembered(scene, prompts)
    character, user = scene.character, scene.user
    known = scene.situation
    if character.origin == "card" and scene.greeting:
        known = prompts.direction("as greeted")
    examples = [_example_line(message, scene) for message in character.example_dialogue]
    return {
        "assistant": prompts.prompt(
            "talk-character",
            name=character.name,
            user=user.name,
            description=_filled(scene, character.description),
            situation=_filled(scene, scene.situation),
            topic=_filled(scene, scene.topic),
            examples="\n".join(examples) or "-",
        )
        + remembered,
        "user": prompts.prompt(
            "talk-user",
            name=user.name,
            age=user.age,
            description=user.description,
            style=user.style,
            mood=prompts.direction(f"mood {scene.plan.mood}"),
            char=character.name,
            situation=_filled(scene, known),
        )
        + remembered,
    }


def _remembered(scene: Scene, prompts: Prompts) -> str:
    """What was said in earlier sittings, as quotes; nothing for people who have never met."""
    past = scene.past
    if past is None:
        return ""
    block = prompts.direction(
        "memory",
        count=past.number - 1,
        since=_since(past.gap, prompts),
        quotes=_listed(past.quotes, prompts),
    )
    return f"\n\n{block}"


def lore(scene: Scene, messages: Sequence[Message], prompts: Prompts) -> str:
    """What the character's lorebook has to say of the last messages, to follow its prompt."""
    texts = [message.content for message in messages] or [scene.situation]
    facts = lorebook.shown(scene.character.lore, texts)
    if not facts:
        return ""
    return "\n\n" + prompts.direction("lore", text=scene.fill("\n".join(facts)))


def earlier(scene: Scene, messages: Sequence[Message], prompts: Prompts) -> str:
    """What was said in messages that no longer fit into a prompt, as quotes."""
    number = scene.past.number if scene.past else 1
    sitting = HeldSitting(number, messages, scene.plan)
    quotes = quotes_of(sitting, prompts.speech, rebuffs(prompts.language))[-QUOTES:]
    return "\n\n" + prompts.direction("earlier", quotes=_listed(quotes, prompts))


def _listed(quotes: Sequence[Remark], prompts: Prompts) -> str:
    """Quotes, a line each."""
    lines = []
    for quote in quotes:
        place = {"sitting": quote.sitting, "message": quote.message + 1}
        lines.append(prompts.direction("quote", name=quote.name, text=quote.text, **place))
    return "\n".join(lines) or "-"


def _since(gap: float, prompts: Prompts) -> str:
    """How long ago the last sitting was. gap: hours."""
    if gap < DAY / 2:
        return prompts.direction("since hours")
    if gap < 1.5 * DAY:
        return prompts.direction("since day")
    if gap < 2 * WEEK:
        return prompts.direction("since days", number=round(gap / DAY))
    return prompts.direction("since weeks", number=round(gap / WEEK))


def _filled(scene: Scene, text: str) -> str:
    return scene.fill(text) or "-"


def _example_line(message: Message, scene: Scene) -> str:
    sign = "-" if message.role == "user" else ">"
    return f"{sign} {_filled(scene, message.content)}"


def note(
    scene: Scene, messages: Sequence[Message], prompts: Prompts, fault: Fault | None = None
) -> str:
    """The note for the next message: stage, step, cue of the end, length.

    fault: of the last try.
    """
    plan = scene.plan
    index = len(messages)
    turning_away = rebuffs(prompts.language)
    position = moves(messages, plan, turning_away)[-1]
    cue = cue_of(messages, plan, turning_away)
    parts = []
    if not messages:
        parts.append(prompts.direction("first again" if scene.past else "first"))
    if scene.past and scene.past.promise and index == scene.due:
        parts.append(prompts.direction("promise", text=scene.past.promise.text))
    parts += _stage(position, prompts)
    if cue:
        parts.append(_direction_for_both(f"cue {cue}", scene, prompts))
    parts.append(_length(words_of(plan, index, position.move, cue), prompts))
    if plan.careless[index]:
        parts.append(prompts.direction("careless"))
    if fault:
        parts.append(again(fault, prompts))
    return prompts.direction("note", text=" ".join(parts))


def _stage(position: Position, prompts: Prompts) -> list[str]:
    """How close to be."""
    if position.move == "step":
        return [prompts.direction(f"step {STAGES[position.stage + 1]}")]
    stage = prompts.direction(STAGES[position.stage])
    if position.move == "stay":
        return [stage]
    return [stage, prompts.direction(position.move)]


def _direction_for_both(heading: str, scene: Scene, prompts: Prompts, **values: object) -> str:
    """A direction that names character and user."""
    names = {"char": scene.character.name, "user": scene.user.name}
    return prompts.direction(heading, **names, **values)


def _length(words: int, prompts: Prompts) -> str:
    if words <= FEW_WORDS:
        return prompts.direction("few words")
    return prompts.direction("words", words=words)


def again(fault: Fault, prompts: Prompts) -> str:
    """That the last try could not be used, and why."""
    heading = f"reason {fault.reason}"
    if heading not in prompts.directions:
        heading = "reason default"
    return prompts.direction("again", reason=prompts.direction(heading))


def script_prompt(scene: Scene, prompts: Prompts) -> str:
    """The prompt for a whole talk in one call."""
    character, user, plan = scene.character, scene.user, scene.plan
    prompt = prompts.prompt(
        "script",
        name=character.name,
        description=scene.fill(character.description),
        topic=scene.topic,
        user=user.name,
        age=user.age,
        user_description=user.description,
        style=user.style,
        mood=prompts.direction(f"mood {plan.mood}"),
        situation=scene.fill(scene.situation),
        turns=plan.turns,
        opening=_script_opening(scene, prompts),
        course=_course(scene, prompts),
        ending=_direction_for_both(f"end {plan.ending}", scene, prompts),
    )
    return prompt + _remembered(scene, prompts)


def _course(scene: Scene, prompts: Prompts) -> str:
    """How close the two come in a script, and when."""
    plan, past = scene.plan, scene.past
    if past is None:
        steps = dict(zip(("first", "second"), plan.steps, strict=False))
        return prompts.direction(f"course {len(plan.steps)}", **steps)
    parts = [prompts.direction("course again", stage=prompts.direction(STAGES[plan.begun]))]
    parts += [prompts.direction("course step", message=step + 1) for step in plan.steps]
    if past.promise and scene.due is not None:
        parts.append(
            prompts.direction(
                "course promise",
                name=past.promise.name,
                message=scene.due + 1,
                text=past.promise.text,
            )
        )
    return " ".join(parts)


def _script_opening(scene: Scene, prompts: Prompts) -> str:
    """How the first message of a script is to be."""
    greeting = opening(scene)
    if greeting:
        text = greeting[0].content
        return _direction_for_both("open character", scene, prompts, greeting=text)
    if scene.plan.opener == "user":
        return _direction_for_both("open user", scene, prompts)
    return _direction_for_both("open character new", scene, prompts)
