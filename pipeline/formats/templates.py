"""The marks of chat templates in a text, and the turns between them.

Two kinds of templates put a conversation into one text:

tokens    special tokens that no writer types: ChatML `<|im_start|>user`, Llama 2 `[INST]`, Llama 3
          `<|start_header_id|>user<|end_header_id|>`, Gemma `<start_of_turn>user`, Zephyr and GLM
          `<|user|>`, Command-R, DeepSeek `<｜User｜>`, Baize and EXAONE `[|Human|]`, Granite, Kimi
labels    words before a colon: Guanaco `### Human:`, Alpaca `### Instruction:`, Vicuna `USER:`,
          Anthropic and BELLE `Human:`, RedPajama `<human>:`, ChatGLM `问：`

`marks` finds the tokens, wherever they stand, letters beside them included. `remains` finds also
what is left of tokens when a template was wrong: `<|im_end`, `<unk>`, `__eou__`, `<reserved_107>`.
`conversation_of` splits a text into turns:

    <|im_start|>user                     ("user", "Tea?")
    Tea?<|im_end|>                       ("assistant", "Gladly.")
    <|im_start|>assistant
    Gladly.<|im_end|>

A token `<|WORD|>` that no template here has is a role mark when its word holds `user`, `assistant`
or the like, and the end of a turn when it holds `end`. Blanks around a text are the template's.
The labels are in `labels.py`.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, NamedTuple

if TYPE_CHECKING:
    from pipeline.conversation import Role

MarkKind = Literal["role", "end", "begin", "tool", "unknown"]


class TemplateMark(NamedTuple):
    """One token. start, end: its place in the text. role: of the turn that it opens.

    kind: a turn begins (`role`) or ends (`end`), a text begins (`begin`), a tool is called or
    answers (`tool`), or it is not known what happens (`unknown`).
    """

    start: int
    end: int
    kind: MarkKind
    role: Role | None
    family: str


@dataclass(slots=True)
class MarkedText:
    """The conversation in a text with marks.

    turns: (role, text). awaits: whether the text ends with the mark of an answer that is not there.
    left_out: what is no turn → how many of it.
    """

    turns: list[tuple[Role, str]] = field(default_factory=list)
    awaits: bool = False
    left_out: Counter[str] = field(default_factory=Counter)


# family → its tokens; the first group holds the word by which a token is understood
TOKENS: dict[str, str] = {
    "ChatML": r"<\|im_start\|>[ \t]*(\w*(?:[ \t]+name=[^\n<]*)?)(?:<\|im_sep\|>|:?(?=\s|$)|(?=\W))",
    "headers": r"<\|(?:start_header_id|header_start|start_of_role|role_start)\|>([^<\0]*)"
    r"<\|(?:end_header_id|header_end|end_of_role|role_end)\|>",
    "Gemma": r"<start_of_turn>[ \t]*(\w*)",
    "Seed": r"<seed:bos>[ \t]*(\w*)",
    "Command_R": r"<\|START_OF_TURN_TOKEN\|><\|(\w+)\|>(?:<\|START_RESPONSE\|>)?",
    "Kimi": r"<\|im_\w+\|>(\w+)<\|im_middle\|>",
    "Harmony": r"<\|start\|>(\w+)(?:<\|channel\|>final)?<\|message\|>",
    "Llama_2": r"(\[/?INST\]|<</?SYS>>|\[/?SYSTEM_PROMPT\])",
    "Bailing": r"<role>(\w+)</role>",
    "tools": r"(\[/?(?:TOOL_CALLS|TOOL_RESULTS|TOOL_CONTENT|AVAILABLE_TOOLS)\]"
    r"|</?(?:tool_call|tool_response|function_?call)>)",
    "sentence": r"(</?s>)",
    "edges": r"(<bos>|<eos>|<end_of_turn>|<seed:eos>|<eo[ha]>|<[BE]OS_TOKEN>|\[gMASK\]|<sop>)"
    r"(?:<sop>|sop\b)?",
    "InternLM": r"<\|(User|Bot|System)\|>:",
    # two letters side by side, or a time of Whisper: `<|°_°|>` is a face
    "bars": r"<\|((?=[^|<>\s]{0,38}(?:[^\W\d_]{2}|\d\.\d))[^|<>\s]{1,40})\|>",
    "wide_bars": r"<｜([^｜<>\0]{1,40})｜>",
    "square_bars": r"\[\|([^|\[\]\s]{1,40})\|\]",
    "MiniCPM": r"<(用户|AI)>",
}
# The words that tokens are made of: `end_of_turn`, `endoftext`, `TOKENS_UNUSED_1`.
PARTS = (
    "assistant audio begin bom bos bot box call calls channel chat chatbot cls constrain content"
    " control dialog dialogue document end eod eoa eoh eom eop eos eot eou extra final fim header"
    " hole human id im image input instruction interpreter mask message middle model object of"
    " output pad placeholder plugin prefix prompt python query ref reserved response result return"
    " role sentence sep separator soft sop special speaker start stop suffix system tag text think"
    " thinking thought token tokens tool tools turn unk unused user utterance video vision"
)
_PART = rf"(?>{'|'.join(sorted(PARTS.split(), key=len, reverse=True))}|\d{{1,4}})"
_SEVERAL = rf"(?i:{_PART}(?:[_▁-]?{_PART})++)"
_SINGLE = r"(?:eo[adhmopstu]|bo[mps]|sop|pad|unk|sep|cls|mask)"
_ROLE = r"(?:assistant|user|human|model|system|tool|ai)"
_HEADED = (
    "instruction|response|input|output|human|assistant|user|system|context|question|answer|prompt"
    "|dialogue|example|character"
)
_HEADED_ELSEWHERE = (
    "инструкция|ответ|пользователь|ассистент|вопрос|anweisung|antwort|nutzer|assistent|frage"
    "|réponse|utilisateur|instrucción|respuesta|usuario|istruzione|risposta|utente|instrução"
    "|resposta|usuário|指令|回答|回复|用户|助手|问题|指示|応答|ユーザー|질문|답변|사용자"
)
# What is left of tokens, and other tokens than those of turns: family → as above.
REMAINS: dict[str, str] = {
    "cut_header": r"(?:<?\|?(?:im_start|start_header_id|start_of_(?:role|turn)|role_start)\|?>?"
    rf"|\]~b\])[ \t]*({_ROLE})\b(?:[ \t]+name=\w+)?(?:<?\|?(?:end_header_id|im_sep)\|?>?)?",
    "cut_left": rf"(?<![\w<])\|?({_SEVERAL})\|>",
    "cut_right": rf"<\|((?i:{_PART}(?:[_▁-]?{_PART})*+))(?![\w|>])"
    rf"|<\|((?i:{_PART}(?:[_▁-]?{_PART})*+))\|(?!>)",
    "one_bar": r"<\|((?=\w*[^\W\d_]{2})\w{2,40})>|<((?=\w*[^\W\d_]{2})\w{2,40})\|>",
    "odd_bars": r"[<＜]\s?\\?[|｜¦]\s?\\?((?=\w*[^\W\d_]{2})[\w▁]{2,40})\s?\\?[|｜¦]\s?\\?[>＞]",
    "angles": rf"</?({_SEVERAL}|(?i:{_SINGLE}))>",
    "seed": r"</?seed:(\w{1,40})>",
    "sides": r"</?_?((?i:human|user|bot|assistant|system|response|answer|instructions?|prompt))>",
    "picture": r"<(image)>",
    "start": r"<(START|STOP)>",
    "squares": rf"\[/?(?=[A-Z]\w*\])({_SEVERAL}|{_SINGLE.upper()}|SYS)\]",
    "square_sides": r"\[/?((?i:inst|user|assistant|system))\]",
    "scored": rf"__((?i:{_SINGLE}|sou|start|end|silence))__|(?<!\w)_(EO[SU]|BOS|UNK|PAD|GO)_(?!\w)",
    "bare": rf"((?i:(?:start|begin|end)[_▁]of[_▁]{_PART})|\b(?:EOS|BOS)_TOKEN)",
    "MiniMax": r"(\]~!?b[\[\]]|\[e~\[)",
    "hashes": rf"###\s?((?i:{_HEADED})(?!\w)|(?i:{_HEADED_ELSEWHERE})(?=\s?[:：]))s?(?:\s?[:：])?",
    "OpenChat": r"(?:GPT4|Code|Math) (?:Correct )?(User|Assistant|Human|System):",
    "tavern": r"\[((?i:start a new (?:group )?chat|example chat))\]",
    "stream": r"(?:data: ?)?\[(DONE)\]",
}
# Every token has one of these; most lines have none.
SIGN = re.compile(
    r"[<＜|▁_]|\[(?:[/|]|[A-Z]\w*\]|gMASK|(?i:(?:inst|user|assistant|system)\]|start a new "
    r"|example chat))|###|\[e~|\]~|Correct |GPT4 "
)


def _any_of(families: Mapping[str, str]) -> re.Pattern[str]:
    return re.compile("|".join(f"(?P<{family}>{form})" for family, form in families.items()))


TOKEN = _any_of(TOKENS)
REMAINDER = _any_of(TOKENS | REMAINS)
# What stands in these is a role and nothing else: another word is not guessed at.
HEADERS = ("ChatML", "headers", "Gemma", "Seed", "Kimi", "Harmony", "Bailing")
# These have a mark of their own for the end of a turn, and each turn has it: `</s>` is text there.
CLOSED = ("ChatML", "headers", "Gemma", "Seed", "Command_R", "Kimi", "Harmony")
ROLES: dict[str, Role] = {
    "system": "system",
    "developer": "system",
    "user": "user",
    "human": "user",
    "prompter": "user",
    "assistant": "assistant",
    "model": "assistant",
    "bot": "assistant",
    "chatbot": "assistant",
    "gpt": "assistant",
    "ai": "assistant",
    "[inst]": "user",
    "[/inst]": "assistant",
    "<<sys>>": "system",
    "<</sys>>": "user",
    "[system_prompt]": "system",
    "用户": "user",
}
EDGES: dict[str, MarkKind] = {
    "<s>": "begin",
    "<bos>": "begin",
    "<bos_token>": "begin",
    "[gmask]": "begin",
    "<sop>": "begin",
    "</s>": "end",
    "<eos>": "end",
    "<eos_token>": "end",
    "<eoh>": "end",
    "<eoa>": "end",
    "<end_of_turn>": "end",
    "<seed:eos>": "end",
    "[/system_prompt]": "end",
    "[e~[": "end",
    "]~!b[": "begin",
}
TOOL = re.compile(r"tool|function|observation|i?python|environment|plugin|interpreter")
END = re.compile(r"^end|[_/]end|end$|^/|^eo[dmstu](_|$)|^return$|^separator$")
BEGIN = re.compile(r"begin|^bo[sm]$|^startoftext$")
ROLE_IN_WORD: dict[Role, re.Pattern[str]] = {
    "system": re.compile(r"system"),
    "user": re.compile(r"user|human|prompter"),
    "assistant": re.compile(r"assistant|model|bot|^response$|^char(acter)?$"),
}
EMPTY = "empty last turn"  # in `left_out`
SENTENCE = re.compile(r"</?s>")
# What some data sets write before every conversation: it is the template's, and no prompt.
PREAMBLE = re.compile(
    r"Below is an instruction that describes a task[^\n]*"
    r"|The conversation between human and AI assistant\.?"
    r"|BEGINNING OF CONVERSATION:"
)


def marks(text: str) -> list[TemplateMark]:
    """The tokens of chat templates in a text, in their order."""
    return list(map(_mark, TOKEN.finditer(text)))


def remains(text: str) -> list[TemplateMark]:
    """The tokens of chat templates in a text, and what is left of damaged ones, in their order."""
    return [_mark(found) for line in _lines_with_signs(text) for found in line]


def _lines_with_signs(text: str) -> Iterator[Iterator[re.Match[str]]]:
    """No token goes on in the next line."""
    done = 0
    while sign := SIGN.search(text, done):
        start = max(done, text.rfind("\n", done, sign.start()) + 1)
        done = text.find("\n", sign.end())
        done = done if done >= 0 else len(text)
        yield REMAINDER.finditer(text, start, done)


def is_marked(text: str) -> bool:
    """Whether a text is a conversation with tokens, and not one that only mentions a token.

    It begins with one, or it has the marks of both sides.
    """
    found = marks(text)
    if not found:
        return False
    roles = {mark.role for mark in found}
    opens = any(mark.kind in ("role", "unknown") for mark in found)
    at_start = not text[: found[0].start].strip() and found[0].kind != "end"
    return opens and (at_start or {"user", "assistant"} <= roles)


def conversation_of(text: str) -> MarkedText:
    """The turns of a text with tokens. ValueError: why they make no whole conversation."""
    found = marks(text)
    family = _family(found)
    if family in CLOSED:
        found = [mark for mark in found if mark.family != "sentence"]
    first = found[0].start if found else len(text)
    result = MarkedText()
    add_preamble(result, text[:first], family in CLOSED)
    last: TemplateMark | None = None
    for mark, piece in _pieces(text, found):
        if mark.role:
            if family in CLOSED and last and last.kind == "role":
                raise ValueError(f"a turn of the {last.role} has no end mark")
            result.turns.append((mark.role, piece))
        elif mark.kind == "begin" and not result.turns:
            add_preamble(result, piece, family in CLOSED)
        else:
            _check_outside(mark, text[mark.start : mark.end], piece, family in CLOSED)
        last = mark
    return whole(result)


def bare(text: str) -> str:
    """An answer without the tokens around it. ValueError where others stand in it."""
    found = marks(text)
    while found and not text[: found[0].start].strip() and found[0].role in (None, "assistant"):
        mark = found.pop(0)
        text = " " * mark.end + text[mark.end :]
    while found and found[-1].kind == "end" and not text[found[-1].end :].strip():
        text = text[: found.pop().start]
    if any(mark.kind != "begin" for mark in found if mark.family != "sentence"):
        raise ValueError("the answer holds the marks of further turns")
    return text.strip()


def add_preamble(result: MarkedText, text: str, closed: bool = False) -> None:
    """What stands before the first turn: the system prompt, or a sentence of the template."""
    text = _outside(text, closed)
    if PREAMBLE.fullmatch(text):
        result.left_out["sentence of the template"] += 1
    elif text:
        result.turns.append(("system", text))


def whole(result: MarkedText) -> MarkedText:
    """The result without its empty prompt and its empty last turn."""
    turns = result.turns
    if turns and not turns[-1][1]:
        result.awaits = turns[-1][0] == "assistant"
        result.left_out[EMPTY] += 1
        turns.pop()
    kept = [turn for number, turn in enumerate(turns) if not _is_nothing(turns, number)]
    if not any(role != "system" for role, _ in kept):
        raise ValueError("no turn of user or assistant")
    result.turns = kept
    return result


def _is_nothing(turns: list[tuple[Role, str]], number: int) -> bool:
    """An empty prompt, or what stands between [INST] and <<SYS>>."""
    role, text = turns[number]
    before_prompt = role == "user" and [one for one, _ in turns[number + 1 : number + 2]] == [
        "system"
    ]
    return not text and (role == "system" or before_prompt)


def _mark(found: re.Match[str]) -> TemplateMark:
    family = found.lastgroup or ""
    words = found.groups()[found.re.groupindex[family] :]
    word = next(filter(None, words), "").strip().lower()
    kind, role = _meaning(family, word.removesuffix("_token"))
    return TemplateMark(found.start(), found.end(), kind, role, family)


def _meaning(family: str, word: str) -> tuple[MarkKind, Role | None]:
    """The kind of a token by its word, and the role that it opens."""
    if word in EDGES:
        return EDGES[word], None
    if word in ROLES:
        return "role", ROLES[word]
    if family == "tools" or TOOL.search(word):
        return "tool", None
    if family in HEADERS:
        return "unknown", None
    if END.search(word):
        return "end", None
    for role, pattern in ROLE_IN_WORD.items():
        if pattern.search(word):
            return "role", role
    return ("begin" if BEGIN.search(word) else "unknown"), None


def _family(found: list[TemplateMark]) -> str:
    """The template of a text. ValueError where a mark is not understood, or of another template."""
    for mark in found:
        if mark.kind == "tool":
            raise ValueError("holds the marks of a tool: without it the conversation is not whole")
        if mark.kind == "unknown":
            raise ValueError(f"holds a mark of {mark.family} that is not a known role")
    families = list(dict.fromkeys(mark.family for mark in found if mark.role))
    if len(families) > 1:
        raise ValueError(f"holds the marks of several templates: {', '.join(families)}")
    if not families:
        raise ValueError("holds no marks of turns")
    return families[0]


def _pieces(text: str, found: list[TemplateMark]) -> Iterator[tuple[TemplateMark, str]]:
    """Each mark with the text after it, up to the next."""
    ends = [mark.start for mark in found[1:]] + [len(text)]
    for mark, end in zip(found, ends, strict=True):
        yield mark, text[mark.end : end].strip()


def _check_outside(mark: TemplateMark, token: str, piece: str, closed: bool) -> None:
    """ValueError where a text stands outside a turn, or where another conversation begins."""
    if mark.kind == "begin" and token != "<s>":
        raise ValueError(f"{token} stands inside: several conversations in one text")
    outside = _outside(piece, closed)
    if outside:
        raise ValueError(f"a text stands outside of the turns: {outside[:60]!r}")


def _outside(text: str, closed: bool) -> str:
    return (SENTENCE.sub("", text) if closed else text).strip()
