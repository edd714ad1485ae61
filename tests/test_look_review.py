"""What people decide while they look, and what the next run makes of it."""

from __future__ import annotations

import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from pipeline import UserError
from pipeline.cli import render
from pipeline.look import blind, decisions
from pipeline.look.selection import Selection
from pipeline.look.state import Look
from pipeline.run.trace import life
from pipeline.store.reviews import Event, Reviews
from pipeline.store.store import Store
from tests.looking import copied, looked_at, run_again, served
from tests.rows import conversation

ROOT = Path(__file__).parents[1]


@pytest.fixture
def look(looked_run: Path, tmp_path: Path) -> Look:
    """A run of one's own."""
    return looked_at(copied(looked_run, tmp_path))


def reason(look: Look, rule: str) -> str:
    """The row that a rule has dropped."""
    from pipeline.look import rows
    from pipeline.look.selection import selection

    page = rows.page(look, selection({"where": [f"reason={rule}"]}), 0, 1)
    return page["rows"][0]["id"]


def test_two_reviewers_at_once_lose_nothing(look: Look, looked_run: Path) -> None:
    """Two servers on one run, each asked by several at once."""
    path = look.subject.path
    ids = [look.frame.columns.id(row) for row in range(look.frame.rows)]
    with served(path, "anna") as first, served(path, "ben") as second:
        jobs = [(client, one) for client in (first, second) for one in ids]
        with ThreadPoolExecutor(8) as pool:
            asked = (
                pool.submit(client.post, "review", id=one, action="keep") for client, one in jobs
            )
            answers = [future.result() for future in list(asked)]
        assert {status for status, _ in answers} == {200}
        state = first.get("review")
        assert state["people"] == {"anna": len(ids), "ben": len(ids)}
        assert state["counts"] == {"keep": len(ids)}
        assert len({answer["number"] for _, answer in answers}) == 2 * len(ids)


KILLED = """
import os, signal, sys
from pathlib import Path
from pipeline.store.reviews import Event, Reviews
reviews = Reviews(Path(sys.argv[1]))
for number in range(50):
    print(reviews.add(Event(0, f"row {number}", "keep", "anna", "")), flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_killed_server_loses_no_decision(tmp_path: Path) -> None:
    command = [sys.executable, "-c", KILLED, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)
    assert done.returncode == -signal.SIGKILL
    confirmed = [int(line) for line in done.stdout.split()]
    assert len(confirmed) == 50
    events = Reviews(tmp_path).events()
    assert [event.number for event in events] == confirmed


def test_undo_is_of_ones_own_and_forgets_nothing(tmp_path: Path) -> None:
    reviews = Reviews(tmp_path)
    for who, action in (("anna", "keep"), ("ben", "drop"), ("anna", "note")):
        reviews.add(Event(0, "a", action, who, "", text="why"))  # type: ignore[arg-type]
    assert reviews.decided()["a"].decision == "drop"
    undone = [reviews.undo("anna") for _ in range(3)]
    assert [event and event.action for event in undone] == ["note", "keep", None]
    assert reviews.decided()["a"].decision == "drop"
    undone_by_ben = reviews.undo("ben")
    assert undone_by_ben
    assert undone_by_ben.id == "a"
    assert reviews.decided() == {}
    assert reviews.version == 6  # every line is still there


def test_the_effect_is_said_at_once(look: Look) -> None:
    expected = {
        "safety.minor": (False, "fixed rule"),
        "style.placeholder": (True, "keeps it"),
        "record.malformed": (False, "could not be read"),
        "dedup.near": (True, "keeps it"),
    }
    for rule, (honoured, words) in expected.items():
        asked: decisions.DecisionAsked = {"id": reason(look, rule), "action": "keep", "who": "anna"}
        answer = decisions.decide(look, asked)
        assert answer["honoured"] is honoured
        assert words in answer["effect"]


@pytest.mark.parametrize(
    ("asked", "sentence"),
    [
        ({"action": "burn"}, "an action is one of"),
        ({"action": "edit", "message": 99, "text": "x"}, "from 0 to 5"),
        ({"action": "edit", "message": 1, "text": "  "}, "empty message"),
        ({"action": "note"}, "needs a text"),
        ({"action": "keep", "id": "nothing"}, "no conversation"),
    ],
)
def test_what_cannot_be_decided(look: Look, asked: dict[str, object], sentence: str) -> None:
    own = {"id": reason(look, "style.placeholder"), "who": "anna", **asked}
    with pytest.raises(UserError, match=sentence):
        decisions.decide(look, own)  # type: ignore[arg-type]
    assert look.reviews.events() == []


def test_the_next_run_honours_decisions_and_why_says_so(look: Look) -> None:
    run = look.subject.path
    dropped = ("style.placeholder", "safety.minor", "dedup.near", "publish.questions")
    ids = {rule: reason(look, rule) for rule in dropped}
    kept = [
        look.frame.columns.id(row)
        for row in range(look.frame.rows)
        if look.frame.columns.value("outcome", row) == "kept"
    ]
    for own in ids.values():
        decisions.decide(look, {"id": own, "action": "keep", "who": "anna"})
    decisions.decide(look, {"id": kept[0], "action": "drop", "who": "ben"})
    edit = "I am an AI language model; write to me at ben.stone@gmail.com please."
    decisions.decide(
        look, {"id": kept[1], "action": "edit", "message": 3, "text": edit, "who": "b"}
    )
    fine = "It rained all day, and I thought of you in the garden."
    decisions.decide(
        look, {"id": kept[2], "action": "edit", "message": 3, "text": fine, "who": "b"}
    )
    run_again(run.parent)
    again = looked_at(run)
    outcome = {again.frame.columns.id(row): row for row in range(again.frame.rows)}

    def became(own: str) -> tuple[str | None, str | None]:
        row = outcome[own]
        return again.frame.columns.value("outcome", row), again.frame.columns.value("reason", row)

    assert became(ids["style.placeholder"]) == ("kept", None)
    assert became(ids["dedup.near"]) == ("kept", None)
    assert became(ids["publish.questions"]) == ("kept", None)
    assert became(ids["safety.minor"]) == ("dropped", "safety.minor")
    assert became(kept[0]) == ("dropped", "review.drop")
    # an edited message passes through the rules again …
    assert became(kept[1]) == ("dropped", "style.assistant")
    assert became(kept[2]) == ("kept", None)
    # … and through the masks
    text = "\n".join(render.story(life(str(run), kept[1])))
    assert "ben.stone" not in text.partition("message 3 on")[2]
    assert "b has edited message 3" in text
    assert "kept; anna on" in "\n".join(render.story(life(str(run), ids["dedup.near"])))
    refused = "\n".join(render.story(life(str(run), ids["safety.minor"])))
    assert "not kept: safety.minor is a fixed rule" in refused
    # what is decided next measures nothing again
    measured = run / "3-filter" / "measured" / "done" / "00000-000.json"
    before = measured.stat().st_mtime_ns
    decisions.decide(again, {"id": kept[3], "action": "drop", "who": "ben"})
    run_again(run.parent, last="filter")
    assert measured.stat().st_mtime_ns == before
    assert kept[3] in [row.id for row in Store(run, "3-filter").rows("dropped")]


def test_an_unmasked_secret_stays_dropped() -> None:
    from pipeline.conversation import Drop, Finding
    from pipeline.filter import reviewed
    from pipeline.recipe.filter import FilterSettings
    from pipeline.store.reviews import Decided

    findings = (
        Finding("filter", "privacy.secret", 1, 0, 0),
        Finding("filter", "structure.turns", 2, 4, decision="drop"),
    )
    row = conversation(1, findings=findings)
    decided = {row.id: Decided(row.id, "keep", who="anna", at="2026-11-30")}
    (label,) = reviewed([Drop(row)], decided, FilterSettings())
    assert isinstance(label, Drop)
    assert "secret" in (label.conversation.findings[-1].evidence or "")
    (masked,) = reviewed([Drop(row)], decided, FilterSettings(privacy="mask"))
    assert not isinstance(masked, Drop)


def test_an_edit_of_a_message_that_is_another_one_now_is_not_made() -> None:
    from pipeline.filter import edited
    from pipeline.recipe.filter import FilterSettings
    from pipeline.store.reviews import Decided

    row = conversation(1)
    event = Event(1, row.id, "edit", "anna", "2026-11-30", 0, "New.", "What stood there once.")
    decided = {row.id: Decided(row.id, edits={0: event}, who="anna", at="2026-11-30")}
    (same,) = edited([row], decided, FilterSettings())
    assert same.messages == row.messages
    assert any(finding.rule == "review.lost" for finding in same.findings)


# --- blind


def test_a_blind_row_names_nobody(look: Look) -> None:
    shown = blind.next_row(look, "anna", [], Selection())
    assert shown["id"] not in {look.frame.columns.id(row) for row in range(look.frame.rows)}
    assert {message["speaker"] for message in shown["messages"]} == {"User", "Character"}
    assert set(shown) == {"id", "left", "messages", "criteria"}


def test_raters_get_the_same_rows_and_their_agreement_is_known(look: Look) -> None:
    given = {"anna": (1, 2, 3, 4, 5, 4), "ben": (1, 2, 3, 4, 4, 4)}
    for who, values in given.items():
        for value in values:
            row = blind.next_row(look, who, ["pacing"], Selection())
            ratings: dict[str, float | None] = {"pacing": value, "safe": None}
            blind.rate(look, {"id": str(row["id"]), "who": who, "ratings": ratings})
    agreed = blind.agreement(look)
    (pacing,) = (one for one in agreed["criteria"] if one["criterion"] == "pacing")
    assert (pacing["n"], pacing["raters"]) == (6, 2)
    assert pacing["alpha"] == pytest.approx(1 - (1 / 12) / (227 / 132))


def test_alpha_is_krippendorffs() -> None:
    """The example of his own text on interval data: .849."""
    table = """
        1 2 3 3 2 1 4 1 2 . . .
        1 2 3 3 2 2 4 1 2 5 . 3
        . 3 3 3 2 3 4 2 2 5 1 .
        1 2 3 3 2 4 4 1 2 5 1 ."""
    lines = [line.split() for line in table.strip().splitlines()]
    columns = [[float(mark) for mark in unit if mark != "."] for unit in zip(*lines, strict=True)]
    units = [unit for unit in columns if len(unit) > 1]
    assert blind.alpha(units) == pytest.approx(0.849, abs=5e-4)


def test_ratings_are_calibrated_against_scores(look: Look) -> None:
    from pipeline.look.rated import rated_in_run
    from pipeline.score.calibrate import calibrate

    for who in ("anna", "ben"):
        for number in range(6):
            row = blind.next_row(look, who, [], Selection())
            ratings: dict[str, float | None] = {"pacing": 1 + number % 5}
            blind.rate(look, {"id": str(row["id"]), "who": who, "ratings": ratings})
    rated = list(rated_in_run(str(look.subject.path)))
    assert rated
    found = calibrate(rated)
    names = {(one.criterion, one.by) for one in found.found}
    assert ("pacing", "course") in names


@pytest.mark.parametrize("ratings", [{}, {"pacing": 6}, {"pacing": True}, {"charm": 3}, "5"])
def test_what_is_not_a_rating_is_refused(look: Look, ratings: object) -> None:
    row = blind.next_row(look, "anna", [], Selection())
    asked = {"id": row["id"], "who": "anna", "ratings": ratings}
    with pytest.raises(UserError):
        blind.rate(look, asked)  # type: ignore[arg-type]


def test_two_texts_are_compared_blind(tmp_path: Path) -> None:
    from pipeline.conversation import Alternative

    swipes = (Alternative(1, "Another answer, colder.", "swipe"), Alternative(3, "", "swipe"))
    rows = [conversation(number, alternatives=swipes) for number in range(4)]
    Store(tmp_path, "1-collect").write("00000", "k", rows)
    (tmp_path / "recipe.yaml").write_text("name: swipes\n")
    look = looked_at(tmp_path)
    sides = set()
    for left in (4, 3, 2, 1):
        pair = blind.next_pair(look, "anna", Selection())
        texts = [pair["a"][0]["text"], pair["b"][0]["text"]]
        assert pair["left"] == left
        assert len(pair["shared"]) == 1
        other = texts.index("Another answer, colder.")
        sides.add(other)
        choice = "ab"[1 - other]
        blind.choose(look, {"id": str(pair["id"]), "who": "anna", "choice": choice})
    assert sides == {0, 1}  # which side it is on is drawn
    assert blind.next_pair(look, "anna", Selection())["id"] is None
    assert set(look.reviews.choices().values()) == {"own"}
