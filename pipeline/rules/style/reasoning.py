"""A model's reasoning inside its reply.

    <think>She greets me. I should be warm.</think>Hello!        a block: the reply is whole without
    <think>She greets me. Hello!                                 nobody knows where it ends
    Thoughts: she greets me.\\nResponse: Hello!                   a block with headings
    The user greets me. I should stay in character. Hello!       sentences: reasoning_user beside
                                                                 reasoning_plan of `configs/words`

`blocks` says which parts of a text are reasoning, for the repair as for the rule.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from pipeline.rules.reading.phrases import Hit
from pipeline.rules.style.stretch import Stretch, between, stretches

if TYPE_CHECKING:
    from pipeline.conversation import Finding
    from pipeline.rules.reading.reading import Reading

NEAR = 400  # characters from a word on the user to a plan for the reply
EARLY = 200  # characters: reasoning begins a reply

_WORD = (
    r"(?:(?:ant|seed:|(?:model|inner|internal|character|hidden)[_ -]?)?"
    r"(?:think(?:ing)?|thoughts?|reason(?:ing)?|reflection|scratch[_ -]?pad|monologue|analysis"
    r"|rationale|deliberation|brainstorm(?:ing)?|planning|plan|cot|chain[_ -]of[_ -]thought)"
    r"(?:[_ -](?:process|block|step|trace|content))?"
    r"|мысли|размышлени[ея]|рассуждени[ея]|思考(?:过程)?|推理|思维链?|denken|gedanken(?:gang)?"
    r"|überlegung(?:en)?|pensées?|r[ée]flexion|raisonnement|pensamientos?|razonamiento|pensamentos?"
    r"|raciocínio|pensieri|pensiero|ragionamento|생각|추론)"
)
_TAG = re.compile(
    rf"</?{_WORD}(?:\s[^<>\n]{{1,80}})?>|◁/?{_WORD}▷|\[/?{_WORD}\]"
    rf"|<\|(?:/|(?:begin|start|end)_(?:of_)?)?{_WORD}(?:_(?:start|begin|end))?\|>",
    re.I,
)
_CLOSES = re.compile(r"/|end", re.I)
_FOLDED = re.compile(r"<details\b[^<>\n]{0,60}\breasoning\b[^<>\n]{0,120}>", re.I)
_FOLDED_END = re.compile(r"</details>", re.I)
_FENCE = re.compile(rf"```[ \t]*{_WORD}[ \t]*\n", re.I)
_FENCE_END = re.compile(r"\n[ \t]*```")
_CHANNEL = re.compile(r"(?:<\|start\|>\s*assistant\s*)?<\|channel\|>\s*(?:analysis|commentary)")
_FINAL = re.compile(
    r"(?:<\|end\|>)?(?:<\|start\|>)?\s*assistant\s*<\|channel\|>\s*final\s*<\|message\|>"
    r"|<\|channel\|>\s*final\s*<\|message\|>|assistantfinal"
)
_THOUGHTS = (
    r"(?:my |internal |inner |{{char}}'s )?(?:thoughts?|thinking(?: process)?|thought process"
    r"|reasoning|monologue|analysis|chain of thought|scratchpad|reflection|plan)"
    r"|мысли|размышления?|рассуждения?|анализ|gedanken(?:gang)?|überlegung(?:en)?|analyse"
    r"|réflexion|raisonnement|pensées|pensamientos?|razonamiento|análisis|pensier[io]|ragionamento"
    r"|analisi|pensamentos?|raciocínio|análise|思考(?:过程)?|分析|推理|内心独白|考え|생각|추론|분석"
)
_REPLY = (
    r"(?:(?:final|my|actual|in-character|{{char}}'s) )?(?:response|reply|answer|output|dialogue)"
    r"|(?:(?:итоговый|финальный|мой) )?ответ|реплика|(?:(?:endgültige|meine) )?antwort"
    r"|(?:ma )?réponse(?: finale)?|(?:mi )?respuesta(?: final)?|risposta(?: finale)?"
    r"|(?:minha )?resposta(?: final)?|(?:最终)?(?:回答|回复|答复|回應)|返答|応答|답변|대답|응답"
)
_BEFORE = r"[ \t*_#>\[(【]*"
_AFTER = r"[\])】*_ ]*[:：][*_ ]*"
_THOUGHTS_HEAD = re.compile(rf"\A{_BEFORE}(?:{_THOUGHTS})(?:{_AFTER}|】)", re.I)
_REPLY_HEAD = re.compile(rf"\n{_BEFORE}(?:{_REPLY})(?:{_AFTER}|】\s*)", re.I)
_BRACKETED = re.compile(rf"\A\s*[(\[{{*_]+(?:{_THOUGHTS})[ \t]*[:：]", re.I)
_HEADED = re.compile(rf"\A{_BEFORE}(?:{_THOUGHTS})[*_ \t]*[:：]", re.I)
# Notes on a reply, word by word: "User intent: small talk. Tone: warm."
_OF_REPLY = (
    r"(?:the )?user(?:'s)?(?: (?:intent|mood|emotion|message|state|said))?|tone|persona check"
    r"|in[- ]character|(?:reply|response)(?: (?:strategy|plan|style))?|draft|final"
)
_NOTE = re.compile(
    rf"(?:\A|[.;,?\n|])[ \t*_>#(\[-]*(?:(?P<reply>{_OF_REPLY})|goal|length|strategy|constraints?"
    r"|emotion(?:al state)?|analysis|commentary|context|step \d|plan|check|intent|"
    r"(?:internal )?notes?)[*_ ]*[:：]",
    re.I,
)
# What an application writes above folded reasoning: that it took so long.
_THOUGHT = (
    r"(?:has |have |hat |habe |a |ha )?(?:thought|reasoned|reflected|worked|nachgedacht|"
    r"überlegt|gedacht"
    r"|réfléchi|pensado|razonado|pensato|ragionato|pensó|razonó|pensou|raciocinou|dachte|думал|думала"
    r"|размышлял|размышляла|обдумывал|подумал|рассуждал)"
)
_UNIT = (
    r"(?:s|se[ck](?:[ou]nd)?[a-z]*|min(?:ut)?[a-z]*|m|segundos?|с|сек\w*|мин\w*|秒钟?|分钟?|"
    r"초|분)\b"
)
_CLOCK = re.compile(
    rf"\A\W*(?:{_THOUGHT} (?:(?:for|für|pendant|durante|per|por|в течение) )?"
    rf"(?:about |etwa |environ |около )?(?:an? |(?:a )?(?:few|couple of) |einige |quelques |"
    rf"unos |\d+[.,]?\d* ?){_UNIT}[^\n]{{0,30}}"
    rf"|\d+ ?{_UNIT}[^\n]{{0,6}} (?:nachgedacht|überlegt|gedacht|réfléchi)|(?:reasoning|"
    rf"thinking|réflexion|denkprozess"
    r"|überlegung|razonamiento|размышление|ragionamento|raciocínio) (?:complete|finished|"
    r"terminée|abgeschlossen"
    r"|completado|завершено|completato|concluído)[^\w\n]{0,3}(?:\d+ ?\w{1,8}\W?)?"
    r"|已?(?:深度)?思考(?:了|完成|用时|时间)?[^\n，。]{0,12}\d+ ?(?:秒|分)[^\n]{0,6}|"
    r"已深度思考[^\n]{0,20}"
    r"|思考時間[^\n]{0,4}\d+[^\n]{0,6}|\d+ ?秒(?:間)?(?:考えました|思考)[^\n]{0,6}"
    r"|\d+ ?초 ?(?:동안|간)? ?(?:생각|추론)[^\n]{0,6}|(?:thinking|reasoning) ?(?:\.{3}|"
    r"…)(?: ?done\.?)?)(?:\n|\Z)",
    re.I,
)
HEAD = 60  # characters in which a heading ends
SIGNS = ("\n", "<", "◁", "[", "`", "assistantfinal")


def reasoning(reading: Reading) -> Iterator[Finding]:
    """Reasoning in a message: a block, or sentences on the user."""
    hits = [*stretches(reading, blocks, SIGNS), *_sentences(reading), *_notes(reading)]
    yield from reading.first_places("style.reasoning", hits)


def blocks(text: str) -> list[Stretch]:
    """The blocks of reasoning in a text."""
    found = list(_headings(text)) if "\n" in text else []
    if "<" in text or "◁" in text or "[/" in text or "[THINK]" in text:
        found += [*between(text, _FOLDED, _FOLDED_END), *_tags(text)]
    if "```" in text:
        found += between(text, _FENCE, _FENCE_END)
    if "<|channel|>" in text or "assistantfinal" in text:
        found += _channels(text)
    return sorted(found)


def _tags(text: str) -> Iterator[Stretch]:
    """From each tag to its end; before an end without a tag all is reasoning: templates write the
    first tag into the prompt."""
    opened, done = -1, 0
    for tag in _tags_of_reasoning(text):
        if not _CLOSES.search(tag[0]):
            opened = tag.start() if opened < 0 else opened
            continue
        yield Stretch(max(opened, done), tag.end())
        opened, done = -1, tag.end()
    if opened >= 0:
        yield Stretch(opened, len(text), False)


def _tags_of_reasoning(text: str) -> list[re.Match[str]]:
    """`[thinking]` without an end is a stage direction, `[THINK]` is not."""
    found = list(_TAG.finditer(text))
    if any(tag[0].startswith("[/") for tag in found):
        return found
    return [tag for tag in found if tag[0][0] != "[" or tag[0] == "[THINK]"]


def _channels(text: str) -> Iterator[Stretch]:
    """Harmony: a channel of analysis, with its tokens or without: "analysisWe … assistantfinal"."""
    opened = _CHANNEL.search(text)
    final = _FINAL.search(text)
    if final:
        yield Stretch(0, final.end())
    elif opened:
        yield Stretch(opened.start(), len(text), False)


def _headings(text: str) -> Iterator[Stretch]:
    head = text[:HEAD]
    if ":" in head or "：" in head or "】" in head:
        thoughts = _THOUGHTS_HEAD.match(text)
        reply = _REPLY_HEAD.search(text, thoughts.end()) if thoughts else None
        if reply:
            yield Stretch(0, reply.end())
    if clock := _CLOCK.match(text):
        yield Stretch(0, clock.end(), False)


def _sentences(reading: Reading) -> Iterator[Hit]:
    """Early in a reply, words on the user from outside, and near them a plan for the reply. Under
    a word for thoughts, as in "(Thinking: keep it short)", one of the two is enough; without
    brackets, the words on the user."""
    users = reading.hits["reasoning_user"]
    plans = reading.hits["reasoning_plan"]
    for hit in [*users, *plans]:
        role, content = reading.messages[hit.message][:2]
        if role == "assistant" and hit.start < EARLY:
            is_user = hit in users
            is_plan = is_user and any(_is_near(hit, plan) for plan in plans)
            if is_plan or (_HEADED if is_user else _BRACKETED).match(content):
                yield hit


def _notes(reading: Reading) -> Iterator[Hit]:
    """Notes that a model has written over its reply."""
    for hit in stretches(reading, _headed_notes, ("\n",)):
        if reading.messages[hit.message].role == "assistant":
            yield hit


def _headed_notes(text: str) -> list[Stretch]:
    """Early in a text, notes under several headings, one of them on the user or the reply."""
    notes = list(_NOTE.finditer(text, 0, EARLY))
    is_several = len({note[0] for note in notes}) >= 2 and any(note["reply"] for note in notes)
    return [Stretch(notes[0].start(), notes[-1].end(), False)] if is_several else []


def _is_near(hit: Hit, plan: Hit) -> bool:
    apart = max(plan.start - hit.end, hit.start - plan.end)
    return plan.message == hit.message and apart <= NEAR
