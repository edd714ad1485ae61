"""Calls of tools inside a reply, and replies that are wrapped as data.

    One moment. {"name": "weather", "arguments": {"city": "Lisbon"}}    a call: prose remains
    <function=paint>{"what": "a bowl"}</function>                       nothing remains
    {"response": "Gladly.", "mood": "happy"}                            a wrapped reply: Gladly.

`calls` says which parts of a text are calls, `reply_in` what is wrapped.
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from pipeline.rules.reading.signs import holds
from pipeline.rules.style.stretch import Stretch, between, stretches

if TYPE_CHECKING:
    from pipeline.conversation import Finding
    from pipeline.rules.reading.reading import Reading

# Objects: JSON, or as Python prints them.
_OBJECT = re.compile(r"""\{\s*["'“][\w $-]{1,40}["'”]\s*:""")
_KEY = re.compile(r"""["'“]([\w $-]{1,40})["'”]\s*:""")
_BRACE = re.compile(r'[{}]|"(?:[^"\\\n]|\\.)*+"')
_WRAPPED = re.compile(r"(?:```\w*\s*)?\[?\s*\Z")
_WRAPPED_END = re.compile(r"\s*\]?(?:\s*```)?")
_FENCE = re.compile(r"^```\s?(?:tool|function)_?\w{0,12}[ \t]*\n", re.M)
_FENCE_END = re.compile(r"\n```")
AROUND = 20  # characters
_ARGUMENTS = {"arguments", "parameters", "args", "params", "kwargs", "input", "inputs"}
_CALL_KEYS = (
    "tool tools tool_name tool_call tool_calls tool_call_id tool_use tool_input tool_code function"
    " function_call functions action_input recipient_name finish_reason choices search_query"
    " api_call tool_use_id outil werkzeug herramienta инструмент función funktion fonction funzione"
    " função функция 函数 関数 함수 top_k max_results"
)
# What an application keeps beside a reply.
_STATE = {"emotion", "mood", "expression", "gesture", "feeling", "sentiment", "affection", "pose"}
# The first of these that an object has is the reply.
_REPLY_KEYS = (
    "content response reply message text answer output dialogue dialog speech say utterance"
    " final_answer assistant ответ реплика antwort réponse respuesta risposta resposta"
    " 回复 回答 内容 返答 답변"
)
_FENCED = re.compile(r"\s*(?:```(?:json|python|py)?\s*)?(\{.*\})\s*(?:```)?\s*", re.S | re.I)

# Tags: <tool_call>, <function=name>, <x:invoke name="…">.
_NAME = (
    r"(?:[\w.]{1,20}[:_-])?(?:tool|function|invoke|parameter|mcp|plugin|api|artifact|antartifact"
    r"|code_execution|execute|search_quer(?:y|ies)|web_search|search|python|browser|工具调用|调用工具|函数调用|вызов_?функции)s?"
    r"(?:[_-]\w{1,30})?"
)
_TAG = re.compile(rf"<(?P<closes>/?)(?P<name>{_NAME})(?:[=\s][^<>\n]{{0,300}})?/?>", re.I)
_SECTION = re.compile(r"<[|｜]\w*tool[▁_]\w*(?:call|output)[\w▁]*begin[|｜]>", re.I)
_SECTION_END = re.compile(r"<[|｜]\w*tool[▁_]\w*(?:calls|outputs)[\w▁]*end[|｜]>", re.I)
_SQUARE = re.compile(r"\[(?:AVAILABLE_TOOLS|TOOL_RESULTS|TOOL_CONTENT)\]")
_SQUARE_END = re.compile(r"\[/(?:AVAILABLE_TOOLS|TOOL_RESULTS|TOOL_CONTENT)\]")
# After these all is the call.
_TO_THE_END = re.compile(
    r"\[TOOL_CALLS\]|<\|(?:tool_call|python_tag)\|>|\bto=(?:functions|python|browser|web|bio|dalle)\b"
    r"|\bfunctions\.\w+:\d+\s*\{|\bcall:\w+\{"
)

# Lines.
_CALLED = (
    r"(?:\w+\.)+\w+|\w+_\w+|[a-z]+[A-Z]\w*|search|browse|browser|lookup|look_up|query|fetch|find|open"
    r"|click|python|calculator|calculate|translate|weather|wiki|wikipedia|imagine|image|dalle|finish"
    r"|msearch|mclick|speak|remember|recall|memory|call|invoke|send|tool"
)
_CALL_LINE = re.compile(
    r"""^[ \t>*`-]*+\[?(?!print\(["'f])(?:print\()?(?:await )?"""
    rf"""(?:{_CALLED})\((?:\w+\s*=\s*)?["'{{]"""
    r"[^\n]*\)\]?[;`]*[ \t]*$",
    re.M,
)
_STEP = re.compile(
    r"^[ \t*]*(thought|action|action input|observation|tool input|tool output|final answer)"
    r"[ \t*]*:[ \t*]*(\w+[\[(])?",
    re.M | re.I,
)
# Lines that say that a tool was called: its two words at their start, in either order, then a colon
# or the name of the tool.
_TOOL = (
    r"(?:tool|function|api|plugin|outil|fonction|herramienta|función|инструмент\w*|функци\w|werkzeugs?|funktion"
    r"|strumento|funzione|ferramenta|função|工具|函数|插件|接口|ツール|関数|도구|함수|plug-in)"
)
_CALLING = (
    r"(?:call(?:s|ed|ing)?|using|used|invok(?:es|ed|ing)|execut(?:es|ed|ing)|running|response|results?|output|request"
    r"|appel(?:le)?|utilisation|llama(?:da|ndo)|usando|вызов|вызываю|ответ|запрос|результат|resultado|résultat|risultato|ergebnis|aufruf|aufrufe"
    r"|ausgabe|chiamata|chiamando|chamada|chamando|调用|使用|结果|返回|呼び出し|呼出|実行|호출|사용|결과)"
)
_OF = (
    r"(?:[ _:-]?(?:(?:the|a|an|to|of|from|de|du|d'|la|l'|le|el|al|à|a|an|des|den|der|die|da|"
    r"do|della|allo|alla|dello) ?){0,2})"
)
_SAID = re.compile(
    rf"^\W{{0,4}}(?:正在)?(?:{_CALLING}{_OF}{_TOOL}|"
    rf"{_TOOL}{_OF}の?を?을? ?(?:{_CALLING}){{1,2}}|{_CALLING} (?:of |from )?\w+_\w+(?=:)|"
    rf"werkzeugaufruf|funktionsaufruf)"
    r"(?:\s?[:：(][^\n]*|[^\n:：]{0,20}[:：][^\n]*[\"'“„«(（{][^\n]*| ?`?\w+[_.]\w[^\n]*| `[^\n]*)$"
    rf"|^\W{{0,4}}\[{_TOOL}[^\n:：\]]{{0,20}}[:：][^\n]*\][^\n]*$",
    re.M | re.I,
)
# What an application says while it searches or keeps something; what a program says when it fails.
_WEB = (
    r"(?:(?:the |im |sur le |sur |in |en |na |nel |в |по )?(?:web|internet\w*|netz|"
    r"интернет\w*|сети|网络|网页|联网))"
)
_STATUS = re.compile(
    rf"^\W{{0,4}}(?:(?:searching|browsing|suche|durchsuche|recherche|buscando|ищу|поиск|cercando|ricerca"
    rf"|pesquisando) {_WEB}\b[^\n]{{0,80}}(?:…|\.\.\.|[\"”»“])\W*|正在(?:联网)?(?:搜索|检索|"
    rf"浏览)[^\n]{{0,40}}(?:…+|\.\.\.)"
    r"|(?:ウェブ|web|ネット)を?検索(?:中|しています)[^\n]{0,20}|웹(?:에서)? 검색 ?중[^\n]{0,10}"
    r"|(?:saved )?memory updated\.?|gespeicherte erinnerung aktualisiert|mémoire mise à jour"
    r"|memoria (?:guardada )?actualizada|память обновлена|(?:已)?更新(?:了)?(?:已保存的)?记忆|"
    r"メモリを更新しました"
    r"|used [\w ]{2,30} · \d+ steps?|searched (?:the web|\d+ sites)[^\n]*)$"
    r"|^Traceback \(most recent call last\):|\bHTTP(?:/\d\.\d|Error)?:? [45]\d\d\b[^\n]*"
    rf"|^\W{{0,3}}(?:error|fehler|erreur|ошибка|错误|エラー|"
    rf"오류)[:：] ?(?:\w+ ){{0,3}}{_TOOL}\b[^\n]*",
    re.M | re.I,
)

# Prompts of image models.
_QUALITY = re.compile(
    r"\b(?:masterpiece|(?:best|high|top) quality|[48]k|hdr|u?hd"
    r"|(?:ultra|highly|extremely)[- ]?detailed"
    r"|\d?(?:1girl|1boy|girls|boys)|solo|looking at viewer|intricate details?|photo-?realistic"
    r"|(?:cinematic|soft|dramatic) lighting|trending on artstation|artstation|depth of field|bokeh"
    r"|absurdres|score_\d|unreal engine|octane render|digital art|concept art|sharp focus)\b",
    re.I,
)
_PICTURE = re.compile(
    r"\[[^\[\]\n]{10,600}\]|\([^()\n]{20,600}\)|<(?:image|img|picture)>[^<>]{1,600}</\w{1,9}>"
)
_PICTURE_LINE = re.compile(r"^[^\n]{20,600}$", re.M)
_NETWORK = re.compile(r"<(?:lora|lyco|hypernet):[^<>\n]{1,60}>", re.I)
_IMAGE_CALL = re.compile(
    r"^[ \t]*/imagine\b[^\n]*|^[ \t*]*(?:negative prompt|image prompt|sd prompt)[ \t*]*:[^\n]*"
    r"|^[ \t]*generating (?:an? )?image: [^\n]*"
    r"|\[(?:(?:image|img|picture|photo|selfie) (?:prompt|generation|generated)|generated image"
    r"|(?:generate|create|send) (?:an? )?"
    r"(?:image|img|picture|photo|selfie))\s?[:：][^\[\]\n]{1,600}\]"
    r"|!\[[^\]\n]*\]\(https?://image\.pollinations\.ai[^)\n]*\)",
    re.M | re.I,
)
QUOTED_IN_CALL = ('("', "('", '="', "='", "({")
# A text without any of these holds no line of _SAID, of _STATUS.
NAMED = (
    "ool unction API api_ lugin outil onction erramienta unción нструмент ункци erkzeug unktion"
    " trumento unzione erramenta unção 工具 函数 插件 接口 ツール 関数 도구 함수"
)
STATUS = (
    "web Web nternet etz 正在 検索 검색 emory emoria rinnerung émoire амять 记忆 メモリ steps sites"
    " HTTP rror ehler rreur шибка 错误 エラー 오류 Traceback"
)
SIGNS = ("{", "<", "[", "(", "=", "\n", "/", "rompt:", "工具", "函数")
_PICTURED = (
    "quality masterpiece etailed lighting girl prompt imagine lora 8k image photo picture selfie"
)


def tool_calls(reading: Reading) -> Iterator[Finding]:
    """Calls of tools, their results, and replies that are wrapped as data."""
    yield from reading.first_places("style.tool", stretches(reading, calls, SIGNS))


def calls(text: str) -> list[Stretch]:
    """The calls of tools in a text, and a reply that is wrapped as data."""
    found: list[Stretch] = []
    if not holds(text, SIGNS):
        return found
    if "{" in text:
        found += _objects(text)
    if "<" in text:
        found += [*_blocks(text), *between(text, _SECTION, _SECTION_END)]
    if "[" in text:
        found += between(text, _SQUARE, _SQUARE_END)
    if "```" in text:
        found += between(text, _FENCE, _FENCE_END)
    if "<|" in text or "[TOOL" in text or "to=" in text or "functions." in text or "call:" in text:
        found += _to_the_end(text)
    if holds(text, QUOTED_IN_CALL) and "```" not in text:
        found += [Stretch(*line.span()) for line in _CALL_LINE.finditer(text)]
    if ":" in text or "：" in text:
        found += _lines(text)
    if holds(text, NAMED.split()):
        found += (Stretch(*line.span()) for line in _SAID.finditer(text))
    if holds(text, STATUS.split()):
        found += (Stretch(*line.span()) for line in _STATUS.finditer(text))
    if holds(text, _PICTURED.split()):
        found += _pictures(text)
    return sorted(found)


def reply_in(text: str) -> str | None:
    """The reply that is wrapped as data, where the text is nothing else."""
    match = _FENCED.fullmatch(text)
    wrapped = _parsed(match[1]) if match else None
    if not wrapped or str(wrapped.get("role", "assistant")) not in ("assistant", "bot", "model"):
        return None
    replies = [wrapped[key] for key in _REPLY_KEYS.split() if isinstance(wrapped.get(key), str)]
    return str(replies[0]).strip() if replies and not _is_call(set(wrapped)) else None


def _parsed(text: str) -> dict[str, object] | None:
    """An object of JSON or Python."""
    try:
        parsed = json.loads(text, strict=False)
    except (ValueError, RecursionError):
        try:
            parsed = ast.literal_eval(text)
        except (ValueError, SyntaxError, RecursionError, MemoryError):
            return None
    return parsed if isinstance(parsed, dict) else None


def _objects(text: str) -> Iterator[Stretch]:
    """Objects whose keys are those of calls, and one that wraps the whole text."""
    done = 0
    while opened := _OBJECT.search(text, done):
        end = _end_of_object(text, opened.start())
        keys = {key.lower() for key in _KEY.findall(text[opened.start() : end])}
        is_known = _is_call(keys) or keys & _STATE or {"role", "content"} <= keys
        if is_known or (len(keys) >= 2 and _is_alone(text, opened.start(), end)):
            yield _with_wrapping(text, opened.start(), end)
        done = end
    if reply_in(text):
        yield Stretch(0, len(text), False)


def _is_alone(text: str, start: int, end: int) -> bool:
    """Data in a line of its own, and not in a block of code."""
    before = text[:start].rpartition("\n")[2]
    after = text[end:].partition("\n")[0]
    return not (before.strip() or after.strip() or "```" in text) and bool(_parsed(text[start:end]))


def _is_call(keys: set[str]) -> bool:
    return bool(
        not keys.isdisjoint(_CALL_KEYS.split())
        or ("name" in keys and keys & _ARGUMENTS)
        or ("error" in keys and keys & {"code", "type", "message"})
    )


def _end_of_object(text: str, start: int) -> int:
    """After its last brace; the end of the text where it is not closed."""
    depth = 0
    for brace in _BRACE.finditer(text, start):
        depth += (brace[0] == "{") - (brace[0] == "}")
        if depth == 0:
            return brace.end()
    return len(text)


def _with_wrapping(text: str, start: int, end: int) -> Stretch:
    """With the list and the fence around an object."""
    before = _WRAPPED.search(text[max(0, start - AROUND) : start])
    after = _WRAPPED_END.match(text[end : end + AROUND])
    start -= len(before[0]) if before else 0
    end += after.end() if after else 0
    return Stretch(start, end, text[start:end].rstrip().endswith(("}", "]", "`")))


def _blocks(text: str) -> Iterator[Stretch]:
    """From each tag of a tool to its end."""
    tags = list(_TAG.finditer(text))
    closing = {tag["name"].lower() for tag in tags if tag["closes"]}
    opened: re.Match[str] | None = None
    for tag in tags:
        name = tag["name"].lower()
        if opened:
            if tag["closes"] and name == opened["name"].lower():
                yield Stretch(opened.start(), tag.end())
                opened = None
        elif tag["closes"] or tag[0].endswith("/>"):
            yield Stretch(tag.start(), tag.end(), not tag["closes"])
        elif name in closing:
            opened = tag
        else:
            yield Stretch(tag.start(), len(text), False)
            return
    if opened:
        yield Stretch(opened.start(), len(text), False)


def _to_the_end(text: str) -> Iterator[Stretch]:
    if opened := _TO_THE_END.search(text):
        yield Stretch(opened.start(), len(text))


def _lines(text: str) -> Iterator[Stretch]:
    """Lines with the name of a step before a colon."""
    steps = list(_STEP.finditer(text)) if "ction" in text or "bservation" in text else []
    names = {step[1].lower() for step in steps}
    is_called = any(step[1].lower() == "action" and step[2] for step in steps)
    steps_of_tools = ({"action input"}, {"action", "observation"}, {"observation", "final answer"})
    if is_called or any(several <= names for several in steps_of_tools):
        is_whole = steps[-1][1].lower() == "final answer"
        end = steps[-1].end() if is_whole else len(text)
        yield Stretch(steps[0].start(), end, is_whole)


def _pictures(text: str) -> Iterator[Stretch]:
    """What an image model is asked for."""
    for form in (_NETWORK, _IMAGE_CALL):
        yield from (Stretch(*found.span()) for found in form.finditer(text))
    pictured = [place for place in _PICTURE.finditer(text) if _is_picture(place[0], 2)]
    if not pictured:
        lines = _PICTURE_LINE.finditer(text)
        pictured = [line for line in lines if _is_picture(line[0], 3)]
    yield from (Stretch(*place.span()) for place in pictured)


def _is_picture(text: str, least: int) -> bool:
    words = {word.lower() for word in _QUALITY.findall(text)}
    return len(words) >= least and "," in text
