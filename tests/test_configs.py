"""The bundled texts: faults are where the README says, personas and word lists are usable."""

import csv
import json
import re
from collections import Counter
from itertools import pairwise

import pytest
from lxml import html

from pipeline import texts
from pipeline.conversation import normalised
from pipeline.rules.reading.lists import listed, pattern
from pipeline.texts import configs

QUICKSTART = configs() / "quickstart"


def read_cafe():
    """Dialogues by id, and by line number what is not a dialogue."""
    dialogues, broken = {}, {}
    for number, line in enumerate((QUICKSTART / "cafe.jsonl").read_text("utf-8").splitlines(), 1):
        try:
            turns = json.loads(line)["conversations"]
            dialogues[json.loads(line)["id"]] = [
                (t["from"], t["value"]) for t in turns if t["from"] != "system"
            ]
        except (json.JSONDecodeError, TypeError):
            broken[f"line {number}"] = line
    return dialogues, broken


def read_neighbours():
    with (QUICKSTART / "neighbours.csv").open(encoding="utf-8", newline="") as lines:
        cells = [row["Best Generated Conversation"] for row in csv.DictReader(lines)]
    return {
        f"row {n}": [tuple(t.split(": ", 1)) for t in cell.split("\n")]
        for n, cell in enumerate(cells, 1)
    }


def read_page(name):
    """Scenes of a page: every `dl` is one; a line without a bold name is a stage direction."""
    lists = html.parse(QUICKSTART / name).xpath("//div[contains(@class, 'mw-parser-output')]/dl")
    turns = [[dd for dd in dl.findall("dd") if dd.find("b") is not None] for dl in lists]
    return {
        f"scene {n}": [(dd.findtext("b"), dd.text_content().split(": ", 1)[1]) for dd in dds]
        for n, dds in enumerate(turns, 1)
    }


CAFE, BROKEN = read_cafe()
PAGES = {f"pages/{p.name}": read_page(f"pages/{p.name}") for p in QUICKSTART.glob("pages/*.html")}
TALKS = {"cafe.jsonl": CAFE, "neighbours.csv": read_neighbours(), **PAGES}


def text_of(turns):
    return " ".join(normalised(text) for _, text in turns)


def shingles(turns):
    words = text_of(turns).split()
    return {tuple(words[i : i + 5]) for i in range(len(words) - 4)}


def partner(file, what):
    """The talk that a copy was made from, as the last column of the table names it."""
    page = re.search(r"`(pages/\w+\.html)` (scene \d)", what)
    if page:
        return PAGES[page[1]][page[2]]
    return TALKS[file][re.search(r"cafe-\d\d|row \d+", what)[0]]


def jaccard(a, b):
    return len(shingles(a) & shingles(b)) / len(shingles(a) | shingles(b))


def somewhere(pattern):
    return lambda turns, _: any(re.search(pattern, text) for _, text in turns)


FRENCH = re.compile(r"\b(?:vous|les|est|une|je)\b")
FAULTS = {
    "exact duplicate": lambda turns, of: text_of(turns) == text_of(of),
    "near duplicate": lambda turns, of: 0.7 < jaccard(turns, of) < 1,
    "prefix copy": lambda turns, of: (
        len(turns) < len(of) and text_of(of).startswith(text_of(turns))
    ),
    "refusal": somewhere("(?i)as an AI language model"),
    "placeholder": somewhere(r"\{\{user\}\}|\[Your Name\]"),
    "repeated turn": lambda turns, _: len({text for _, text in turns}) == len(turns) - 3,
    "e-mail address": somewhere(r"\w@example\.org"),
    "telephone number": somewhere(r"\+44 20 7946 0\d{3}"),
    "another language": lambda turns, _: len(FRENCH.findall(text_of(turns))) > 9,
    "foreign turn": somewhere("Ich habe .* und"),
    "speaker label": somewhere(r"\nHuman: .*\nAssistant: "),
    "truncated end": lambda turns, _: turns[-1][1][-1].isalpha(),
    "consecutive messages": lambda turns, _: any(a[0] == b[0] for a, b in pairwise(turns)),
    "empty turn": somewhere(r"^\s*$"),
    "single turn": lambda turns, _: len(turns) == 1,
    "mojibake": somewhere("Ã©"),
    "minor": somewhere("I'm fifteen"),
}


def planted():
    rows = re.findall(
        r"^\| ([^|]+) \| `([^`]+)` \| ([^|]+) \| (.+) \|$",
        (QUICKSTART / "README.md").read_text("utf-8"),
        re.M,
    )
    return [row for row in rows if row[0] in FAULTS or row[2].startswith("line")]


@pytest.mark.parametrize(("fault", "file", "where", "what"), planted())
def test_planted_fault_is_where_the_readme_says(fault, file, where, what):
    if where.startswith("line"):
        assert where in BROKEN
    else:
        copied = "duplicate" in fault or "copy" in fault
        assert FAULTS[fault](TALKS[file][where], partner(file, what) if copied else None)


def test_every_kind_of_fault_is_planted_and_nothing_else_is_broken():
    assert {row[0] for row in planted()} == FAULTS.keys() | {"not JSON", "null messages"}
    assert len(BROKEN) == 2
    assert "null" in BROKEN["line 28"]


def good_talks():
    faulty = {(file, where) for _, file, where, _ in planted()}
    return {
        (f, w): talk
        for f, talks in TALKS.items()
        for w, talk in talks.items()
        if (f, w) not in faulty
    }


def test_the_other_talks_are_sound():
    good = good_talks()
    assert len(good) == 63
    for where, turns in good.items():
        assert 6 <= len(turns) <= 14, where
        assert len({speaker for speaker, _ in turns}) == 2, where
        assert all(a[0] != b[0] for a, b in pairwise(turns)), where
        for fault in (
            "refusal",
            "placeholder",
            "e-mail address",
            "speaker label",
            "truncated end",
            "empty turn",
            "mojibake",
        ):
            assert not FAULTS[fault](turns, None), (where, fault)


def test_neighbours_say_who_they_are():
    with (QUICKSTART / "neighbours.csv").open(encoding="utf-8", newline="") as lines:
        rows = list(csv.DictReader(lines))
    sentences = [
        line for row in rows for side in "12" for line in row[f"user {side} personas"].split("\n")
    ]
    assert {
        line
        for line in sentences
        if not re.match(r"(I|My|This|Nothing|Je) ", line) or not line.endswith(".")
    } == set()


def test_good_talks_are_all_different():
    openings = [normalised(turns[0][1]) for turns in good_talks().values()]
    assert len(set(openings)) == len(openings)


def test_index_links_to_every_page():
    links = html.parse(QUICKSTART / "pages/index.html").xpath(
        "//div[contains(@class, 'mw-parser-output')]//li/a/@href"
    )
    assert {f"pages/{link}" for link in links} == PAGES.keys() - {"pages/index.html"}


CHARACTER = {
    "name",
    "age",
    "archetype",
    "description",
    "greeting",
    "scenario",
    "example_dialogue",
    "topics",
}
USER = {"name", "age", "archetype", "description", "style"}


def load(name):
    return texts.values("personas", f"{name}.yaml")


@pytest.mark.parametrize(("language", "least"), [("en", 28), ("ru", 14)])
def test_characters_are_whole_adult_and_open_differently(language, least):
    characters = load(language)
    assert len(characters) >= least
    for one in characters:
        name, dialogue = one["name"], one["example_dialogue"]
        assert one.keys() == CHARACTER, name
        assert one["age"] >= 18, name
        assert str(one["age"]) in one["description"], name
        assert 40 <= len(one["description"].split()) <= 90, name
        assert 3 <= len(one["topics"]) <= 6, name
        roles = [message["role"] for message in dialogue]
        assert 4 <= len(roles) <= 6, name
        assert roles == ["user", "assistant"] * (len(roles) // 2), name
        assert all(message["content"].strip() for message in dialogue), name
    openings = {tuple(normalised(one["greeting"]).split()[:2]) for one in characters}
    names = {one["name"] for one in characters}
    archetypes = {one["archetype"] for one in characters}
    assert len(openings) == len(names) == len(archetypes) == len(characters)


@pytest.mark.parametrize(("language", "least"), [("en", 20), ("ru", 10)])
def test_users_are_adults_who_type_differently(language, least):
    users = load(f"users-{language}")
    assert len(users) >= least
    for user in users:
        assert user.keys() == USER, user["name"]
        assert user["age"] >= 18, user["name"]
        assert 20 <= len(user["description"].split()) <= 50, user["name"]
    assert len({user["style"] for user in users}) == len(users)


@pytest.mark.parametrize(("language", "least"), [("en", 24), ("ru", 12)])
def test_situations_are_single_different_sentences(language, least):
    situations = load(f"situations-{language}")
    assert len(set(situations)) == len(situations) >= least
    for situation in situations:
        assert situation.endswith(".")
        assert ". " not in situation[:-1]


LEAST = {"cliches-en": 80, "cliches-ru": 40, "empathy-en": 60, "empathy-ru": 30}
LEAST |= {"emotion-en": 350, "emotion-ru": 150, "intimate-en": 150, "intimate-ru": 70}


@pytest.mark.parametrize(("name", "least"), LEAST.items())
def test_word_lists_have_distinct_lower_case_entries(name, least):
    phrases = [line.split("\t")[0] for line in texts.words(name)]
    assert len(phrases) >= least
    assert [phrase for phrase, count in Counter(phrases).items() if count > 1] == []
    assert [phrase for phrase in phrases if phrase != phrase.strip().lower()] == []


@pytest.mark.parametrize("name", ["emotion-en", "emotion-ru", "intimate-en", "intimate-ru"])
def test_phrases_are_of_four_words_at_most(name):
    """Others are never found: `score` looks at four words at a time, without other signs."""
    word = r"[^\W\d_]+(?:'[^\W\d_]+)?"
    phrases = [line.split("\t")[0] for line in texts.words(name)]
    assert [
        phrase for phrase in phrases if not re.fullmatch(f"{word}(?: {word}){{0,3}}", phrase)
    ] == []


@pytest.mark.parametrize("language", ["en", "ru"])
def test_labels_and_weights_of_word_lists_are_legal(language):
    emotions = {line.split("\t")[1] for line in texts.words(f"emotion-{language}")}
    assert emotions == {"joy", "sadness", "anger", "fear", "surprise", "disgust", "love"}
    weights = [float(line.split("\t")[1]) for line in texts.words(f"intimate-{language}")]
    assert -1 <= min(weights) < -0.5 < 0.5 < max(weights) <= 1


def worn(text):
    return [
        phrase
        for phrase in listed("cliches")
        if pattern(phrase).search(text.lower().replace("’", "'"))
    ]


def test_worn_phrases_are_found_and_our_own_texts_have_none():
    assert worn(
        "Her voice barely above a whisper, she let out a breath she didn't know she was holding."
    )
    assert worn("В воздухе повисла тишина, и мурашки побежали по спине.")
    ours = [text for turns in good_talks().values() for _, text in turns]
    for character in load("en") + load("ru"):
        ours += [character["description"], character["greeting"]]
        ours += [m["content"] for m in character["example_dialogue"]]
    assert {text: found for text in ours if (found := worn(text))} == {}
