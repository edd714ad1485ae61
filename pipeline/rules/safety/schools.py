"""A speaker who goes to school: a school year or a kind of school, said of oneself.

    "next fall I start ninth grade"  "хожу в седьмой класс"       the speaker goes there
    "We had a maths test today, ninth grade is so stressful."     a pupil writes of the day

Not: "I work at a middle school", "my son is in ninth grade", "I hated high school".
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pipeline.rules.reading.phrases import Hit
    from pipeline.rules.reading.reading import Reading

_SENTENCE = re.compile(r"[.!?。！？\n;]")
_FIRST_PERSON = re.compile(
    r"\b(?:i|i'm|im|my|we|our|us|me|ich|meine?[nrms]?|wir|unsere?[nrms]?|je|mon|ma|mes|nous|notre"
    r"|yo|mis?|tengo|tenemos|io|mi[oa]|ho|abbiamo|nostr[oa]|eu|meu|minha|temos|noss[oa]"
    r"|я|мне|мо[йяюеё]|мы|нас|нам|у меня)\b|\bj'|[我私僕俺나저]|うち|우리|내 "
)
_THESE_DAYS = re.compile(  # a grown-up writes of "in ninth grade we had a test"
    r"\b(?:today|tomorrow|tonight|yesterday|tmrw|right now|every day|again|until|still"
    r"|(?:this|next|last) (?:week|month|monday|tuesday|wednesday|thursday|friday|morning|afternoon)"
    r"|(?:is|are|have|has) (?:so|too|such)|сегодня|завтра|вчера|на (?:этой|следующей) неделе"
    r"|heute|morgen|gestern|nächste woche|aujourd'hui|demain|hier|semaine prochaine|hoy|mañana|ayer"
    r"|próxima semana|oggi|domani|ieri|hoje|amanhã|ontem)\b"
    r"|今天|明天|昨天|下周|今日|明日|昨日|来週|오늘|내일|어제|다음 주"
)
_GROWN_UP = re.compile(  # a parent, a teacher, a memory, somebody else
    r"\b(?:sons?|daughters?|kids?|child(?:ren)?|nieces?|nephews?|grand\w+|students?|pupils?"
    r"|teach|teaching|taught|tutor\w*|when i was|(?:was|were|back) in|years ago|used to"
    r"|remember\w*|remind\w*|graduate[sd]?|since \w+ grade|in my day|my (?:sister|brother|cousin)s?"
    r"|he|she|his|her|сын\w*|доч\w*|дет[еия]\w*|ученик\w*|препода\w*|помн\w*|когда я|sohn\w*"
    r"|tochter|kinder\w*|unterricht\w*|damals|früher|fils|fille|enfants?|enseigne|quand j'étais"
    r"|hij[oa]s?|enseño|cuando era|figli[oa]?|insegno|quando ero|filh[oa]s?|ensino a|quando era)\b"
    r"|女儿|儿子|孩子|是[^，。]{0,6}老师|教书|评分|批改|以前|当年|那时|学生们|息子|娘|昔|頃|아들|딸|예전|때 "
)
_PAST = re.compile(r"\b(?:was|were|did|had|used|был\w?|war|hatte\w*|était|avait|era|tenía)\b")
# Who goes there and how, up to the school.
_GOING = (
    # "I'm still in", "we're in the", "I go to Roosevelt", "I start"
    r"\b(?:i'm|im|i am|i'll be|we're|we are|being|me and \w+ are|(?:i|we)(?= \w))"
    r"(?: (?:also|just|only|still|finally|actually|will|now|currently|gonna|have to|gotta))*"
    r"(?:(?<=m|e) (?:in|at|into|a|an|the)| (?:attend|go to|going to|going into|start|starting|enter"
    r"|entering|study at|moving up to|repeating|be in|be at|be a))"
    r"(?: (?:in|at|a|an|the|my|youngest|freshman|sophomore|new|only))*"
    r"(?:(?<=to|at|nd) [\w'-]+)?",
    r"\b(?:я|мы(?: с \w+)?|учусь|хожу|перехожу|пойду|учимся|ходим)(?: (?:сейчас|ещё|еще|пока|уже|только"
    r"|учусь|учимся|хожу|перехожу|перешла|перешёл|перешел|пошла|пошёл|пойду|тоже|иду|осенью)){0,3}"
    r"(?: (?:в|из))?",
    r"\b(?:ich|wir|komme|gehe|bin|besuche)(?: (?:ich|bin|sind|gehe|gehen|geh|komme|besuche|besuchen|noch"
    r"|erst|jetzt|nächstes|jahr|bald|auch|gerade|immer|ja|schon|in|an|auf|die|der|das|dem|aufs|zur|eine"
    r"|einer|ein|ab)){1,6}",
    r"(?:\b(?:je|on|nous)\s|\bj')(?:suis|vais|entre|rentre|passe|va|sommes|étudie)(?: (?:encore|aussi"
    r"|toujours|actuellement|maintenant|déjà|élève|entrer|rentrer|passer|dans|un|une|ma|mon|la|le|en"
    r"|au|bientôt)){0,4}(?: à l')?",
    r"\b(?:estoy(?: cursando| haciendo)?|voy|entro|curso|estudio|paso|empiezo|vamos|estamos|hago)(?: (?:en|al?|el|la|los|de"
    r"|todavía|aún|solo|recién|apenas|entrar|empezar|pasar|cursar|hacer|ya|también|ahora|un|mi)){0,5}",
    r"\b(?:sono|vado|faccio|frequento|inizio|comincio|siamo|entro)(?: (?:ancora|solo|anche|già|adesso"
    r"|ora|al|alle|alla|in|nella|la|il|le|un|una|studente|studentessa|di|del|delle)){0,5}",
    r"\b(?:estou|tô|tou|vou|estudo|faço|passei|comecei|estamos|sou|curso)(?: (?:no|na|em|o|a|do|da|de|ainda|só"
    r"|agora|também|já|pro|para|entrar|começar|aluno|aluna|estudante)){0,5}",
)
_GOES = re.compile(rf"(?:{'|'.join(_GOING)})\s?\Z")
# In Chinese, Japanese and Korean what follows tells more.
_EAST_GOES = re.compile(
    r"(?:[我俺]们?(?:今年|现在|才|刚|还|就|明年|也|正|已经|马上|是|在|要|快|一个|下个月|九月|上|读|念|升|了|到){0,5}"
    r"|(?:私|僕|俺|わたし|ぼく|うち)(?:は|も|って)?(?:まだ|今|今年|来年|もうすぐ|春から|、){0,2}"
    r"|(?:나는|난|저는|전|나|저|제가|내가|나도|저도)\s?(?:아직|지금|올해|이제|내년에)?\s?)\Z"
)
_EAST_AFTER = re.compile(
    r"\s?(?:\Z|[，,。！!~、]|的?学生|生(?![活])|读书|上学|念书|了|呢|啊|呀|在读"
    r"|に(?:います|いる|通|行って|行く|進|なっ|なり|なる)|です|だ|で(?=[、す])|なの|なん|[の]?[一二三1-3]年"
    r"|에 (?:다니|다녀|들어가|입학)|생|이야|이에|예요|인데|입니다|야|라서|\s?\d학년)"
)
_OTHERWISE = re.compile(
    r"\b(?:work\w*|teach\w*|volunteer\w*|driv\w+|clean|cook|lead|living|met|knew|was|were|hated|loved"
    r"|liked|remember|career|graduat\w+|dropped|past|like|love|hate|not|never|used|finished|left|quit"
    r"|as if|pretend|imagine|suppose|principal|nurse|janitor"
    r"|coach\w*|counsel\w+|reunions?|sweethearts?|sub|substitute|administrat\w*|librarian|dating"
    r"|sons?|daughters?|kids?|child|children|movies?|drama|musical|songs?|books?|years ago|back then"
    r"|she|he|they|his|her|my (?:brother|sister)|работаю|преподаю|учитель\w*|учил\w+|был\w?|сын"
    r"|дочь|lehrer\w*|arbeite|unterrichte|war|damals|sohn|tochter|travaille|enseigne|étais|prof"
    r"|professeure?|année|communautaire|fils|fille|trabajo|enseño|profesora?|maestr[oa]|hij[oa]|lavoro|insegno|insegnante"
    r"|figli[oa]|professore|professoressa|trabalho|ensino (?:em|no|na)|professora?|filh[oa])\b"
    r"|老师|教师|教书|教|毕业|的时候|那年|那会|当时|小时候|先生|教師|時|頃|だった|でした|卒業|선생|교사|때|졸업|동창|친구"
)


def pupils(reading: Reading) -> Iterator[Hit]:
    """Schools that a speaker goes to."""
    days = Counter(hit.message for hit in reading.hits["pupil"])
    for school in reading.hits["minor_school"]:
        line = reading.line(school.message)
        if _is_own_day(line, days[school.message]) or _goes_there(line, school):
            yield school


def _is_own_day(line: str, signs: int) -> bool:
    """signs: how many words of a pupil's day there are; one alone must be of these days."""
    if signs == 0 or not _FIRST_PERSON.search(line) or _GROWN_UP.search(line):
        return False
    return bool(_THESE_DAYS.search(line)) or (signs > 1 and not _PAST.search(line))


def _goes_there(line: str, school: Hit) -> bool:
    before = _SENTENCE.split(line[max(0, school.start - 60) : school.start])[-1]
    after = _SENTENCE.split(line[school.end : school.end + 24])[0]
    eastern = _EAST_GOES.search(before) and _EAST_AFTER.match(after)
    otherwise = _OTHERWISE.search(before) or _OTHERWISE.search(after)
    return bool(eastern or _GOES.search(before)) and not otherwise
