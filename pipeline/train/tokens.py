"""A conversation as tokens, of which the assistant's are trained on: each reply, and what ends it.

    <|im_start|>user⏎Mind the paint.<|im_end|>⏎<|im_start|>assistant⏎Which paint?<|im_end|>⏎
                                                                    └──── trained on ────┘

Where a reply stands is found by rendering: the conversation before it with the template's prompt
for a reply, and the conversation up to it. So it works with any template that renders a longer
conversation as a continuation of a shorter one, and is refused with others.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from pipeline import UserError
from pipeline.publish.configs.made import PublishedRow

NOT_TRAINED = -100  # label of a token that gives no loss: PyTorch's own default
TOO_LONG = "no reply ends within `length`"
UNTRAINED = "no reply that may be trained on"
REFUSED = "the chat template refuses it"
CUT = "cut after the last reply within `length`"

ChatMessages = Sequence[Mapping[str, object]]


class ChatTokenizer(Protocol):
    """What is needed of a tokenizer of `transformers`."""

    def apply_chat_template(
        self, conversation: ChatMessages, *, tokenize: bool, add_generation_prompt: bool
    ) -> str: ...

    def __call__(
        self, text: str, *, add_special_tokens: bool, return_offsets_mapping: bool
    ) -> Mapping[str, Sequence[int] | Sequence[tuple[int, int]]]: ...


class TokenizedRow(NamedTuple):
    """ids: tokens. labels: the same where they are trained on, else `NOT_TRAINED`. is_cut: whether
    replies behind `length` are missing."""

    ids: list[int]
    labels: list[int]
    is_cut: bool = False

    @property
    def trained(self) -> int:
        """Tokens that are trained on; the first of a row has nothing before it."""
        return sum(label != NOT_TRAINED for label in self.labels[1:])


class TextSpan(NamedTuple):
    """Characters of a rendered conversation."""

    start: int
    end: int


@dataclass(frozen=True)
class Tokenized:
    """Rows as tokens. counts: rows that were left out or cut, by reason."""

    rows: Sequence[TokenizedRow]
    counts: Mapping[str, int]

    @property
    def trained(self) -> int:
        """Tokens that are trained on."""
        return sum(row.trained for row in self.rows)

    @property
    def tokens(self) -> int:
        """All tokens."""
        return sum(len(row.ids) for row in self.rows)


def tokenized(
    tokenizer: ChatTokenizer, rows: Iterable[PublishedRow], length: int | None
) -> Tokenized:
    """Rows with `messages` as tokens. length: most tokens of one; None: as many as it has.

    Raises UserError where the template is none that replies can be found in.
    """
    found, counts = [], Counter[str]()
    for row in rows:
        one = tokens_of(tokenizer, row["messages"], length)
        if isinstance(one, str):
            counts[one] += 1
            continue
        counts[CUT] += one.is_cut
        found.append(one)
    return Tokenized(found, +counts)


def tokens_of(
    tokenizer: ChatTokenizer, messages: ChatMessages, length: int | None
) -> TokenizedRow | str:
    """One conversation, or why there is none. A message with `train` false is not trained on."""
    try:
        whole = rendered(tokenizer, messages)
    except Exception as error:  # templates raise their own errors on what they do not take
        return f"{REFUSED}: {_first_line(error)}"
    spans = reply_spans(tokenizer, messages, whole)
    encoded = tokenizer(whole, add_special_tokens=False, return_offsets_mapping=True)
    ids = [int(one) for one in encoded["input_ids"]]  # type: ignore[arg-type]
    starts = [place[0] for place in encoded["offset_mapping"]]  # type: ignore[index]
    row = _labelled(ids, starts, spans)
    return _cut(row, starts, spans, length)


def end_of_reply(tokenizer: ChatTokenizer) -> int:
    """The token that ends a reply. Raises UserError as `reply_spans` does."""
    messages = ({"role": "user", "content": "a"}, {"role": "assistant", "content": "b"})
    found = tokens_of(tokenizer, messages, None)
    assert not isinstance(found, str), found
    return [label for label in found.labels if label != NOT_TRAINED][-1]


def rendered(tokenizer: ChatTokenizer, messages: ChatMessages, prompt: bool = False) -> str:
    """Messages as text. prompt: followed by what asks for a reply."""
    plain = [{"role": one["role"], "content": one["content"]} for one in messages]
    return tokenizer.apply_chat_template(plain, tokenize=False, add_generation_prompt=prompt)


def reply_spans(
    tokenizer: ChatTokenizer, messages: ChatMessages, whole: str
) -> list[tuple[TextSpan, bool]]:
    """Where each reply stands in the rendered text, with what ends it, and whether it is trained
    on. Blanks behind the end belong to the template."""
    found = []
    for number, message in enumerate(messages):
        if message["role"] != "assistant":
            continue
        before = rendered(tokenizer, messages[:number], prompt=True)
        after = rendered(tokenizer, messages[: number + 1]).rstrip()
        if not (whole.startswith(after) and after.startswith(before)):
            raise UserError(
                "The chat template of this model renders a reply in another way once the "
                "conversation goes on, so its tokens cannot be found. Choose one by --template."
            )
        is_trained = message.get("train", True) is not False
        found.append((TextSpan(len(before), len(after)), is_trained))
    return found


def _labelled(
    ids: list[int], starts: Sequence[int], spans: Sequence[tuple[TextSpan, bool]]
) -> TokenizedRow:
    """starts: the first character of each token."""
    labels = [NOT_TRAINED] * len(ids)
    for span, is_trained in spans:
        for place, start in enumerate(starts):
            if is_trained and span.start <= start < span.end:
                labels[place] = ids[place]
    return TokenizedRow(ids, labels)


def _cut(
    row: TokenizedRow,
    starts: Sequence[int],
    spans: Sequence[tuple[TextSpan, bool]],
    length: int | None,
) -> TokenizedRow | str:
    """The row up to the last reply that ends within `length`."""
    if length is not None and len(row.ids) > length:
        limit = starts[length]  # the first character that is too much
        ends = [span.end for span, _ in spans if span.end <= limit]
        if not ends:
            return TOO_LONG
        kept = sum(start < ends[-1] for start in starts[:length])
        row = TokenizedRow(row.ids[:kept], row.labels[:kept], is_cut=True)
    return row if row.trained else UNTRAINED


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]
