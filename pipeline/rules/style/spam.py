"""Advertising by strangers, with a link or without: a score of simple features.

No feature alone says anything: people share links, speak of casinos, and ask each other to call.
Each is worth a point or two, and `ENOUGH` points must come together:

    "Grow your Instagram fast >> www.followers.example <<"
        trade (grow your instagram) 1 · link 1 · loud (>>) 1                       3: advertising
    "I ordered the same coat at www.coats.example"
        link 1                                                                     1: a person

    opener  how advertising begins                                                 spam_opener.txt
    pitch   what nobody says but who advertises: counts twice                      spam_pitch.txt
    trade   what advertising deals in; each counts, up to three                    spam_trade.txt
    money   promised money, and offers: free, half price, today only; up to two    spam_money.txt
    call    what the reader is asked to do                                         spam_call.txt
    link    an address of a page; a place behind which advertisers wait (t.me) counts twice
    reach   a phone number, or a name behind @
    loud    capitals, emoji, arrows, a sum of money

A link counts once more where it is shortened, disguised ("shop . biz") or named as sellers name
theirs ("slots777"), and where the message praises its place ("only at", "near you") or speaks
of the reader's own things. A message of two of trade, money and call in which nobody speaks of
himself needs no address at all, and gets a point more; a personal one of none gets a point
less; and so does one that goes on with the subject of the messages before it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import cache
from typing import TYPE_CHECKING

from pipeline.rules.reading.lists import UNSPACED, expression, listed
from pipeline.rules.reading.phrases import Hit
from pipeline.rules.reading.signs import holds

if TYPE_CHECKING:
    from pipeline.conversation import Finding
    from pipeline.rules.reading.reading import Reading

HitsByList = dict[str, list[Hit]]  # by the names of the lists

ENOUGH = 3  # points. Our choice: 2 finds a fifth more, and also people who praise a shop
MOST_TRADES = 3  # hits that count, a pitch twice
MOST_OFFERS = 2
FEW_BLANKS = 3  # in a message that is hardly more than a link
NEAR_START = 6  # characters before an opener: emoji and quotes
LOUD_WORDS = 3  # in capitals
SHARED = 2  # words of five letters and more that two messages on one subject have in common

_ENDINGS = (
    "com|net|org|info|biz|shop|store|online|site|xyz|club|top|live|app|io|co|ru|de|fr|es|pt|"
    "br|cn|jp|kr|uk|tv|cc|ly|gg|link|click|vip|pro|bet|casino|win|loan|example|test"
)
_LINK = re.compile(
    r"https?://|www\.[\w-]"
    rf"|(?<![\w@.-])[a-z0-9][a-z0-9-]{{1,60}}\.(?:[a-z0-9-]{{1,30}}\.)?(?:{_ENDINGS})(?![\w.-]*@)\b(?!\.\w)"
)
# An address that is written so that no filter reads it as one: "shop . biz", "shop[.]com", "hxxp".
_HIDDEN = re.compile(
    r"hxxps?:|[a-z0-9](?: ?[\[({] ?(?:\.|dot|punkt|точка|punto|ponto) ?[\])}] ?| dot | punto )"
    rf"(?:{_ENDINGS})\b"
    rf"|(?:www \. [a-z0-9-]+|[a-z0-9]+-[a-z0-9-]+|[a-z]+\d+) \. (?:{_ENDINGS})\b"
)
# What a seller names his page: "slots777", "cheap-watches", "rolexcopies"; or who sent the reader.
_SELLING = re.compile(
    r"(?:https?://|www\.|[a-z0-9-]{2,40}\.)\S{0,40}?(?:casino|slots?\d|spin|bonus|crypto|coin|loan|kredit|cash"
    r"|money|dinero|dengi|profit|earn|deal|sale|outlet|cheap|4less|barat|replik|replica|rolex|copies"
    r"|pharma|pill|slim|diet|secret|dating|flirt|girl|sex|follower|giveaway|prize|premio|gewinn|tousen"
    r"|gift|promo|discount|rabatt|wear|sneaker|luck|win-|-win|jackpot|login|verif|renew|unlock|-check"
    r"|stream|movie|kino|film|-hd|\.(?:shop|store|biz|xyz|top|vip|win|bet|loan|casino|click|club|info)\b)"
    r"|[?&](?:aff|ref|utm_\w+|promo|invite|partner|u|r)=|/(?:ref|aff|invite|go)/"
)
# Shorteners, invitations to chats, pages of links, pages for paying fans.
_FUNNEL = re.compile(
    r"\b(?:t\.me|telegram\.me|wa\.me|chat\.whatsapp\.com|discord\.(?:gg|com/invite)|bit\.ly|tinyurl\.com"
    r"|cutt\.ly|is\.gd|goo\.gl|rb\.gy|shorturl\.at|rebrand\.ly|ow\.ly|vk\.cc|clck\.ru|linktr\.ee"
    r"|beacons\.ai|allmylinks\.com|onlyfans\.com|fansly\.com|line\.me|open\.kakao\.com|u\.nu|adf\.ly|shorturl\.at)/?[\w+]"
)
_PHONE = re.compile(r"(?<![\w.])\+?\(?\d[\d ()./-]{7,18}\d(?!\w)")
_NAME = re.compile(r"(?<![\w.])@[a-z0-9_.]{3,}|[a-z0-9]@[a-z0-9-]{2,40}\.[a-z]{2}")
_ACCOUNT = re.compile(
    r"(?:whatsapp|telegram|wechat|weixin|kakao|line|skype|vx|qq|微信|v信|薇信|카톡|텔레|телега|тг|라인|id)"
    r"[^\w\n]{0,3}(?:id[^\w\n]{0,2})?(?=[a-z0-9_]{5})[a-z0-9_]*\d"
)
_POINTING = (
    "\U0001f447-\U0001f449➡⬇▶⏩‼\U0001f4b0\U0001f4b5\U0001f4b8\U0001f911\U0001f4f2"  # or money
)
_GLARING = "\U0001f525\U0001f680\U0001f381\U0001f4af\U0001f48b\U0001f351\U0001f346\U0001f618✅⚡❗"
_SIGNS = re.compile(rf">>|<<|!!|\$\$|[{_POINTING}]|[{_GLARING}].{{0,40}}[{_GLARING}]")
_CAPITALS = re.compile(r"(?<!\w)[A-ZÀ-ÞА-ЯЁ]{3,}(?!\w)")
_AMOUNT = re.compile(
    r"[$€£¥₹]\s?\d|\d[\d.,]*k?\s?"
    r"(?:[$€£₽%]|usd|eur|btc|eth|usdt|euros?|dollars?|dólares|reais|pesos|руб|р\b|тыс|元|块|万|円|만\s?원|원)"
)
# Somebody is sent to a page, or told to call or to write: "order the tea at tea.example".
_ORDERS = (
    "visit|go to|order|buy|book|register|sign up|join|apply|shop|trade|contact|email|message|text"
    "|call|dial"
    "|ring|phone|whatsapp|telegram|besuche|besuchen|bestellen|bestelle|anmelden|anrufen|ruf an"
    "|visitez|commandez|commander|inscrivez-vous|répondez|appelez|contactez|visita|visite|compra"
    "|pide|pídelo|regístrate|llame|llama|responde|ordina|acquista|iscriviti|rispondi|chiama|compre"
    "|peça|ligue|zap|responda|заказ|закажи|закажите|звоните|звони|играй|пишите|тел|qq|微信|电话|전화|電話"
)
_TO = r"(?:h..ps?:|www\.|[a-z0-9-]{2,40}\.[a-z]{2}|@[a-z]|[a-z0-9.]{1,30}@|\+?\d[\d ()./-]{6})"
_VISIT = re.compile(rf"(?<!\w)(?:{_ORDERS})(?!\w)[^.!?\n]{{0,40}}?(?<![\w.]){_TO}")
# What people say of themselves and to each other, and advertisers hardly ever.
_PERSONAL = re.compile(
    r"\b(?:he|she|him|his|they|haha\w*|lol|mom|dad|brother|sister|uncle|aunt|grandma|yesterday"
    r"|last (?:night|month|year)|let's|shall we|want to go|come with"
    r"|when you|wenn du|quand tu|cuando (?:llegues|puedas|vengas)|quando (?:chegar|arrivi)"
    r"|когда (?:приедешь|придёшь|сможешь)|we (?:go|went|could|meet)"
    r"|i (?:was|had|bought|found|got|went|tried|think|thought|know|read|watched|ordered|guess|felt"
    r"|fell|wish|hope|remember|love|like|hate|live)|you (?:should|like|left|said|told)"
    r"|мама|папа|вчера|пойдём|пойдем|давай|я (?:купил|нашл|думаю|видел|люблю|был|взял)\w*"
    r"|gestern|lass uns|wir (?:fahren|gehen|treffen)|ich (?:habe|hab|war|finde|fand|glaube|denke)"
    r"|hier soir|on (?:va|y)|j'ai|je (?:pense|crois|trouve|vends)|ayer|compré|encontré|creo|vamos"
    r"|ieri|andiamo|ho (?:comprato|trovato|visto)|penso|ontem|comprei|encontrei|acho)\b"
    r"|我(?:买|在|觉得|昨天|看|妈|们)|昨天|一起|昨日|一緒に|私[はも]|어제|같이|엄마"
)
# Beside a link: what advertising calls its place, and the reader's own things.
_PRAISED = re.compile(
    r"\b(?:near you|in your area|the only \w+ you|the best \w+ (?:for|in) |page one|is up"
    r"|on tonight|nur (?:bei|hier|auf)|die besten|bitte hier|près de chez|chez vous|en ligne"
    r"|lo mejor"
    r"|fotos? en|en vivo|ao vivo|todos os|i migliori|solo su|in diretta|vote for my|vote for our"
    r"|лучшие|только (?:у|на|здесь)|онлайн|цены)\b|领取|点击|在线|访问|여러분|無料|こちらから"
)
_ADDRESSED = re.compile(
    r"\b(?:your|dein\w*|ihre[nrm]?|votre|vos|tus?|seu|sua|tuoi|tuo|tua|ваш\w*|твой|твои)\b|당신|あなた"
)
_LINK_SIGNS = ("://", "www", "dot", "[.", "(.", "xxp", "punto")
_DOTTED = re.compile(rf"\.(?:(?:{_ENDINGS})\b|[a-z]{{2}}/)")
_LISTS = ("spam_pitch", "spam_trade", "spam_money", "spam_call")
_OFFERS = ("spam_trade", "spam_money", "spam_call")
_UNSPACED = re.compile(f"[{UNSPACED}]")
_DIGIT = re.compile(r"\d")
_LONG_WORD = re.compile(r"[^\W\d_]{5,}")


def spam(reading: Reading) -> Iterator[Finding]:
    """Messages with `ENOUGH` features of advertising, which are quoted from the first one on."""
    found = []
    for message, hits in _candidates(reading):
        if _points(reading, message, hits) >= ENOUGH:
            found.append(_first(hits))
    yield from reading.first_places("style.spam", found)


def _candidates(reading: Reading) -> Iterator[tuple[int, HitsByList]]:
    """Messages with a phrase of any list, or a link, and these phrases and links."""
    found = {name: reading.hits[name] for name in _LISTS}
    if _may_hold_a_link(reading.folded):
        links = (
            *_LINK.finditer(reading.folded),
            *_FUNNEL.finditer(reading.folded),
            *_HIDDEN.finditer(reading.folded),
        )
        found["link"] = [reading.hit(*link.span()) for link in links]
    by_message: dict[int, HitsByList] = {}
    for name, hits in found.items():
        for hit in hits:
            by_message.setdefault(hit.message, {}).setdefault(name, []).append(hit)
    yield from sorted(by_message.items())


def _may_hold_a_link(folded: str) -> bool:
    return holds(folded, _LINK_SIGNS) or bool(_DOTTED.search(folded))


def _points(reading: Reading, message: int, hits: HitsByList) -> int:
    """All points of a message; 0 where there is no way to the advertiser and no pitch."""
    folded = reading.line(message)
    says, ways = _of_lists(hits), _of_ways(folded, "link" in hits)
    deals = hits.keys() - {"spam_call", "link"}
    opens = _opens(reading, message, hits)
    calls = "spam_call" in hits and (hits.keys() & {"spam_pitch", "spam_trade"} or opens)
    is_offer = _is_offer(hits) or (opens and bool(deals) and not _is_question(folded))
    if not (ways or calls or is_offer or ("spam_pitch" in hits and says >= ENOUGH)):
        return 0
    if not (ways or calls or "spam_pitch" in hits) and _PERSONAL.search(folded):
        return 0
    points = says + ways + opens + _is_loud(reading, message)
    points += _of_speakers(folded, hits, is_offer or (ways > 0 and bool(deals)))
    if points >= ENOUGH:
        points -= _on_the_subject(reading, message)
    return points


def _of_speakers(folded: str, hits: HitsByList, is_trade: bool) -> int:
    """Points for how the message speaks: of the speaker, to the reader, of the page."""
    is_personal = bool(_PERSONAL.search(folded))
    has_deals = bool(hits.keys() - {"spam_call", "link"})
    points = 0
    if not is_personal and is_trade:
        points += 1
    if "link" in hits and not is_personal:
        points += 2 * bool(_PRAISED.search(folded)) or bool(_ADDRESSED.search(folded))
    if (is_personal or _is_question(folded)) and not has_deals:
        points -= 1
    return points


def _is_question(folded: str) -> bool:
    """People ask for what is cheap; advertising ends in a statement."""
    return folded.rstrip().endswith("?")


def _is_offer(hits: HitsByList) -> bool:
    """Does it deal in something, promise something or call for something: two of these, in other
    words?"""
    families = [hits[name] for name in _OFFERS if name in hits]
    return len(families) > 1 and _apart([hit for family in families for hit in family]) > 1


def _first(hits: HitsByList) -> Hit:
    return min(hit for of_list in hits.values() for hit in of_list)


def _opens(reading: Reading, message: int, hits: HitsByList) -> bool:
    """Does it begin as advertising does? Words that count already do not count again."""
    opener = _opener().match(reading.line(message))
    return opener is not None and opener.start(1) != _first(hits).start


@cache
def _opener() -> re.Pattern[str]:
    lines = listed("spam_opener")
    plain = [line for line in lines if not _UNSPACED.search(line)]
    others = [line for line in lines if _UNSPACED.search(line)]
    openers = f"{expression(plain, unspaced=False)}|{expression(others)}"
    return re.compile(rf"[^\w\n]{{0,{NEAR_START}}}({openers})")


def _of_lists(hits: HitsByList) -> int:
    """Points of what the message says."""
    pitches, trades = (_apart(hits.get(name, ())) for name in ("spam_pitch", "spam_trade"))
    offers = _apart(hits.get("spam_money", ()))
    return min(2 * pitches + trades, MOST_TRADES) + min(offers, MOST_OFFERS) + ("spam_call" in hits)


def _apart(hits: Sequence[Hit]) -> int:
    """How many there are; those that overlap are one."""
    count, end = 0, -1
    for hit in sorted(hits):
        if hit.start >= end:
            count += 1
            end = hit.end
    return count


def _of_ways(folded: str, has_link: bool) -> int:
    """Points of the ways to the advertiser. has_link: whether there may be a link."""
    has_number = "@" in folded or _DIGIT.search(folded) is not None
    if not (has_link or has_number):
        return 0
    reach = _PHONE.search(folded) or _NAME.search(folded) or _ACCOUNT.search(folded)
    of_link = _of_link(folded) if has_link else 0
    return of_link + bool(reach) + bool(_VISIT.search(folded))


def _of_link(folded: str) -> int:
    """A link is a point, and another one is a shortened, a disguised or a selling one."""
    funnel, hidden = _FUNNEL.search(folded), _HIDDEN.search(folded)
    if funnel or hidden:
        return 3 if funnel and folded.count(" ") <= FEW_BLANKS else 2
    return bool(_LINK.search(folded)) + bool(_SELLING.search(folded))


def _is_loud(reading: Reading, message: int) -> bool:
    """Does it shout with signs or capitals, or name a sum?"""
    content = reading.messages[message].content
    if _SIGNS.search(content) or _AMOUNT.search(reading.line(message)):
        return True
    return not content.isupper() and len(_CAPITALS.findall(content)) >= LOUD_WORDS


def _on_the_subject(reading: Reading, message: int) -> int:
    """1 where the message shares words with the two before it."""
    own = set(_LONG_WORD.findall(reading.line(message)))
    before = " ".join(reading.line(earlier) for earlier in range(max(0, message - 2), message))
    return int(len(own & set(_LONG_WORD.findall(before))) >= SHARED)
