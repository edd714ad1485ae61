"""Markup: HTML, BBCode, Markdown and wiki remains, and what a page leaves between them.

    "I <b>really</b> mean it", "[url=a.example]him[/url]", "&amp;nbsp;"      markup
    "I <3 you", "a<b and b>c", "List<String>", "[laughs]", "row[i]"          none

The grammar is shared: `filter.repair` turns markup into plain text by it, and the rule finds what
is left. A name in brackets is markup only where something proves it: another part of the tag, its
closing, or a name that is no word.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from pipeline.rules.reading.phrases import Hit
from pipeline.rules.reading.signs import holds

if TYPE_CHECKING:
    from pipeline.conversation import Finding
    from pipeline.rules.reading.reading import Reading

# Elements of HTML, obsolete ones too: html.spec.whatwg.org, section "Elements of HTML". Those whose
# name alone proves a tag:
SURE_TAGS = (
    "br|hr|div|span|p|li|ul|ol|dl|dt|dd|td|tr|th|tbody|thead|tfoot|colgroup|h[1-6]|em|strong|img|"
    "html|iframe|blockquote|wbr|nobr|figcaption|textarea|fieldset|noscript|svg"
)
# Those that a writer of stage directions may use ("<aside>"):
OTHER_TAGS = (
    "a|abbr|acronym|address|area|article|aside|audio|b|base|basefont|bdi|bdo|big|blink|body|button|"
    "canvas|caption|center|cite|code|col|data|datalist|del|details|dfn|dialog|dir|embed|figure|"
    "font|footer|form|frame|frameset|g|head|header|hgroup|i|input|ins|kbd|label|legend|link|main|"
    "map|mark|marquee|math|menu|meta|meter|nav|object|optgroup|option|output|param|path|picture|"
    "pre|progress|q|rp|rt|ruby|s|samp|script|search|section|select|slot|small|source|strike|style|"
    "sub|summary|sup|table|template|time|title|track|tt|u|var|video"
)
# Prefixes of office programs and of other XML that is pasted into pages.
PREFIXED_TAGS = r"(?:o|v|w|m|x|st1|fb|g|svg|xsl|mml|media|ac|ri):[a-z][\w-]*"
TAGS = f"{SURE_TAGS}|{OTHER_TAGS}|{PREFIXED_TAGS}"
_FLAGS = (
    "allowfullscreen|async|autofocus|autoplay|checked|compact|controls|default|defer|disabled|"
    "hidden|ismap|loop|multiple|muted|noshade|nowrap|open|readonly|required|reversed|selected"
)
_VALUE = r"(?:\"[^\"]*+\"|'[^']*+'|[^\s\"'<>=]++)"
_ATTRIBUTES = rf"(?:\s++(?:[a-z][\w:.-]*+\s*+=\s*+{_VALUE}|(?:{_FLAGS})\b))"
TAG = re.compile(
    rf"<(?P<closing>/?)(?=[a-z])(?P<name>{TAGS})(?P<attributes>{_ATTRIBUTES}*+)\s*+/?>",
    re.IGNORECASE,
)
# A name that HTML does not know is a tag where its attributes are those of HTML.
FOREIGN_TAG = re.compile(
    r"<(?P<name>[a-z][\w-]*+)\s++(?:class|id|style|href|src|width|height|data-[\w-]+)\s*+=\s*+"
    rf"{_VALUE}{_ATTRIBUTES}*+\s*+/?>",
    re.IGNORECASE,
)
SURE_NAME = re.compile(f"{SURE_TAGS}|{PREFIXED_TAGS}", re.IGNORECASE)
KEPT_TAG = re.compile(r"</?s>")  # the end of text of some models: style.template decides
# "<b>" that is never closed, before a word and not after one.
LONELY_TAG = re.compile(r"(?<![^\s\"“])<[biu]>(?=\w)")

# Entities. Those that many pages write without "&" or ";", or torn apart.
_COMMON = "nbsp|amp|quot|lt|gt|apos|#0?39"
_DROPPED = "mdash|ndash|hellip|[lr][sd]quo|[lr]aquo|bull|middot|euro|shy|zwnj|zwj|ensp|emsp|thinsp"
ENTITY = re.compile(r"&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[a-zA-Z][a-zA-Z0-9]{1,30});")
BROKEN_ENTITY = re.compile(
    rf"& ?(?P<torn>{_COMMON}|# ?\d{{2,5}}) ?;|&(?P<open>{_COMMON}|{_DROPPED}|#\d{{2,5}})(?![\w;=])"
    rf"|(?<![&#\w])(?P<bare>{_COMMON});|(?<=\w)(?P<glued>#0?39);"
)

# BBCode and shortcodes: phpBB, vBulletin, SMF, XenForo, Discourse, WordPress.
BB_TAGS = (
    r"b|i|u|s|p|strike|del|ins|color|colour|size|font|face|style|highlight|background|bgcolor|"
    r"quote|code|icode|php|html|pre|mono|tt|plain|nobbc|noparse|url|iurl|link|email|mail|ftp|"
    r"img|image|imgur|video|youtube|vimeo|media|audio|mp3|flash|gif|attach|attachment|gallery|"
    r"spoiler|ispoiler|spoilers|hide|hidden|collapse|expand|toggle|details|cut|more|list|ul|ol|li|"
    r"table|thead|tbody|tr|td|th|center|centre|left|right|justify|align|indent|float|sub|sup|"
    r"h[1-6]|heading|hr|br|user|mention|member|post|thread|topic|tweet|twitter|anchor|abbr|"
    r"acronym|tex|latex|math|rainbow|glow|shadow|blur|marquee|move|fieldset|ot|offtopic|mod|edit|"
    r"caption|embed|wp|date|rp|ruby|dropcap|tab|tabs|accordion|button|row|column|vc_\w+|et_pb_\w+"
)
BB_TAG = re.compile(
    rf"\[(?P<closing>/?)(?=[a-z*])(?P<name>{BB_TAGS}|\*)"
    r"(?P<value>=[^\]\n]{1,300}|(?: [a-z_-]{1,20}=[^\]\n]{1,300}))?\]",
    re.IGNORECASE,
)

# Wikis, Markdown, chat programs.
WIKI_LINK = re.compile(r"\[\[(?P<target>[^\[\]|\n]{1,120})\|(?P<text>[^\[\]\n]{1,300})\]\]")
WIKI_HEADING = re.compile(r"^(={2,6})[ \t]*+([^=\n]{1,120}?)[ \t]*+\1[ \t]*$", re.MULTILINE)
_TARGET = (
    r"(?:<[^<>\s]{1,500}>|(?:https?:|mailto:|ftp:|data:|www\.|/|\.{1,2}/|#)[^\s()]{0,500}"
    r"(?:\([^\s()]{0,100}\)[^\s()]{0,200})?|[\w-]{1,60}(?:\.[\w-]{1,30}){1,4}(?:/[^\s()]{0,400})?)"
)
MD_LINK = re.compile(
    r"(?P<image>!?)\[(?P<text>(?:[^\[\]\n]|\[[^\[\]\n]{0,80}\]){0,300})\]"
    rf"\(\s?{_TARGET}(?:\s+(?:\"[^\"\n]{{0,200}}\"|'[^'\n]{{0,200}}'))?\s?\)"
)
# Pictures with any target, or with none that is left, and links to a name of a program's.
MD_REST = re.compile(
    r"(?<!\w)!\[[^\[\]\n]{0,200}\](?:\([^()\s]{0,200}\)|\[[^\[\]\n]{0,80}\]|(?!\())"
    r"|\[(?P<text>[^\[\]\n]{1,200})\]\((?=[^()\s]{0,60}(?:[_:]|[-_]\d))[^()\s]{3,200}\)"
)
# A footnote in which nobody is cited is a writer's own. style.citation knows the others.
MD_NOTE = re.compile(r"^[ \t]*\[\^(?P<name>[^\[\]\s]{1,20})\]:[^\n]*(?:\n|\Z)", re.MULTILINE)
CHAT_MARK = re.compile(r"<(?:a?(?P<emoji>:\w{2,40}:)|@[!&]?|#|t:)\d{5,20}(?::[a-zA-Z])?>")

# Code stays as it is, and what looks like markup in it.
CODE = re.compile(r"```.*?(?:```|\Z)|(?<![\w`])`[^`\n]{1,80}`(?!`)", re.DOTALL)

# What no repair makes good: scripts, styles and pasted formats without an end.
_PAGE = re.compile(
    r"<(?:script|style)\b|<!--|<\?(?:php|xml|=)|<%[=@ ]|\[object Object\]|\{\\rtf1|"
    r"\bX-NONE\b|MicrosoftInternetExplorer4|\bmso-[a-z-]+:|"
    r"(?:font-(?:family|size|weight)|text-align)\s?:[^;{}\n]{1,60};|"
    r"document\.(?:write|getElementById)\(|\$\(document\)"
)
_SIGNS = ("<", "&", "[", "{", "X-NONE")


def markup(reading: Reading) -> Iterator[Finding]:
    """Messages with markup in them."""
    if holds(reading.text, _SIGNS):
        places = [hit for index in reading.judged if (hit := _first(reading, index))]
        yield from reading.first_places("style.markup", places)


def _first(reading: Reading, message: int) -> Hit | None:
    """The first markup of a message."""
    start = reading.starts[message]
    end = start + len(reading.line(message))
    text = reading.text[start:end]
    if not holds(text, _SIGNS):
        return None
    if "`" in text:
        text = CODE.sub(lambda code: " " * len(code[0]), text)
    spans = [match.span() for match in _remains(text)]
    return Hit(message, *min(spans)) if spans else None


def _remains(text: str) -> Iterator[re.Match[str]]:
    """Parts of markup that prove themselves."""
    if "<" in text:
        yield from filter(proves_html, TAG.finditer(text))
        for pattern in (FOREIGN_TAG, LONELY_TAG, CHAT_MARK):
            yield from pattern.finditer(text)
    if "&" in text:
        yield from ENTITY.finditer(text)
    if "[" in text:
        yield from filter(proves_bbcode, BB_TAG.finditer(text))
        yield from MD_LINK.finditer(text)
        yield from MD_REST.finditer(text)
        yield from MD_NOTE.finditer(text)
        yield from WIKI_LINK.finditer(text)
    yield from _PAGE.finditer(text)


def proves_html(tag: re.Match[str]) -> bool:
    """Can a tag be nothing but HTML? By its name, its attributes, or because it closes."""
    if KEPT_TAG.fullmatch(tag[0]):
        return False
    is_whole = bool(tag["closing"] or tag["attributes"])
    return is_whole or bool(SURE_NAME.fullmatch(tag["name"]))


def proves_bbcode(tag: re.Match[str]) -> bool:
    """Can a tag be nothing but BBCode? Because it closes, or has a value ("[i=0]" is code)."""
    has_value = bool(tag["value"]) and len(tag["name"]) > 1
    return has_value or bool(tag["closing"] and tag["name"] != "s")
