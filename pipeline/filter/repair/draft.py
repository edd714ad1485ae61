"""A conversation under repair."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace

from pipeline.conversation import ROLES, Alternative, Annotation, Conversation, Message, Role
from pipeline.rules.reading.signs import holds

SPOKEN: tuple[Role, ...] = ("user", "assistant")
ANY = ("",)  # signs: "" stands in every text


@dataclass
class Draft:
    """A conversation under repair. annotations: one for each message, or none at all; repairs keep
    it so. alternatives: with the indexes that the messages have now."""

    messages: list[Message]
    annotations: list[Annotation]
    alternatives: list[Alternative]
    edits: list[str]

    @classmethod
    def of(cls, row: Conversation) -> Draft:
        return cls(list(row.messages), list(row.annotations), list(row.alternatives), [])

    def texts(self) -> list[str]:
        """All messages and alternatives."""
        texts = [message.content for message in self.messages]
        return [*texts, *(other.content for other in self.alternatives)]

    def text(self) -> str:
        """All messages and alternatives, for tests that most conversations fail."""
        return "\0".join(self.texts())

    def change_texts(
        self,
        what: str,
        change: Callable[[str], str],
        roles: Collection[Role] = ROLES,
        signs: Sequence[str] = ANY,
    ) -> None:
        """Change every message of these roles and every alternative to one by itself; those that
        come out otherwise are noted. signs: one of them stands in every text that is changed."""
        changed: list[int] = []
        for index, message in enumerate(self.messages):
            if message.role in roles and holds(message.content, signs):
                text = change(message.content)
                if text != message.content:
                    self.messages[index] = message._replace(content=text)
                    changed.append(index)
        if changed:
            self.edits.append(f"filter: {what} in {listed(changed)}")
        if self.alternatives:
            self._change_alternatives(what, change, roles, signs)

    def _change_alternatives(
        self,
        what: str,
        change: Callable[[str], str],
        roles: Collection[Role],
        signs: Sequence[str],
    ) -> None:
        """Those that broke a rule stay as they were: a pair of preference shows what not to do."""
        changed: set[int] = set()
        for place, other in enumerate(self.alternatives):
            if other.is_failed_try:
                continue
            if self._role(other) in roles and holds(other.content, signs):
                text = change(other.content)
                if text != other.content:
                    self.alternatives[place] = other._replace(content=text)
                    changed.add(other.message)
        if changed:
            self.edits.append(f"filter: {what} in alternatives of {listed(sorted(changed))}")

    def _role(self, other: Alternative) -> Role:
        """Of the message in whose place an alternative stands; one without a message is a
        reply."""
        has_message = 0 <= other.message < len(self.messages)
        return self.messages[other.message].role if has_message else "assistant"

    def remove_empty_alternatives(self) -> None:
        """Leave alternatives out that hold nothing."""
        empty = [other.message for other in self.alternatives if not other.content.strip()]
        if empty:
            places = listed(sorted(set(empty)))
            self.edits.append(f"filter: removed empty alternatives of {places}")
            self.alternatives = [other for other in self.alternatives if other.content.strip()]

    def remove(self, what: str, gone: Sequence[int]) -> None:
        """Leave messages out, with their annotations and alternatives."""
        if not gone:
            return
        self.edits.append(f"filter: {what} {listed(gone)}")
        without = set(gone)
        self.keep([index for index in range(len(self.messages)) if index not in without])

    def keep(self, kept: Sequence[int]) -> None:
        """Only these messages, with their annotations and alternatives."""
        self.messages = [self.messages[index] for index in kept]
        if self.annotations:
            self.annotations = [self.annotations[index] for index in kept]
        if self.alternatives:
            places = {index: place for place, index in enumerate(kept)}
            others = [other for other in self.alternatives if other.message in places]
            self.alternatives = [other._replace(message=places[other.message]) for other in others]

    def repaired(self, row: Conversation) -> Conversation:
        """The row as it now is."""
        if not self.edits:
            return row
        return replace(
            row,
            messages=tuple(self.messages),
            annotations=tuple(self.annotations),
            alternatives=tuple(self.alternatives),
            edits=(*row.edits, *self.edits),
        )


def listed(indices: Sequence[int]) -> str:
    """message 3; messages 3, 5"""
    plural = "s" if len(indices) > 1 else ""
    return f"message{plural} {', '.join(map(str, indices))}"
