"""Talks in the terminal, what is saved of them, what is remembered, and what is forgotten."""

from __future__ import annotations

import datetime as dt
import io
import json
import os
import signal
import socket
import stat
import sys
import threading
from pathlib import Path

import pytest

from pipeline import UserError
from pipeline.cli import streams
from pipeline.companion import memory
from pipeline.companion.agent import companion, companions
from pipeline.companion.memory import UserMemory, begun, renewed
from pipeline.companion.service import Keeping
from pipeline.companion.state import TalkState
from pipeline.conversation import Message
from pipeline.formats.cards import Character, to_json, to_png
from tests.companions import MARA, mara, served, talk
from tests.conftest import Rapport
from tests.test_companion_server import HELLO, MODEL, call

NOON = dt.datetime(2026, 5, 4, 12, tzinfo=dt.UTC)


def typed(monkeypatch: pytest.MonkeyPatch, *lines: str) -> None:
    """What is typed into the terminal."""
    text = "".join(f"{line}\n" for line in lines)
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(text.encode())))


@pytest.fixture
def card(tmp_path: Path) -> Path:
    path = tmp_path / "mara.json"
    path.write_text(to_json(MARA), "utf-8")
    return path


# --- in the terminal


def test_a_talk_in_the_terminal_says_why(
    rapport: Rapport, card: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sad = "I am so sad today, I cried all morning."
    typed(monkeypatch, "/why", "Hello there!", sad, "/why", "/again", "/nonsense", "/quit", "more")
    code, out, err = rapport("chat", card, "--rehearse")
    lines = out.splitlines()
    assert (code, err) == (0, "")
    assert lines[1] == "Mara Lind: Mind the cuckoo, it is touchy before noon."
    assert "Nothing was answered yet." in lines
    assert f"hold: {mara().words.reasons['low']}" in lines
    assert "your last message: sadness" in lines
    own = [line for line in lines if line.startswith("Mara Lind: ")]
    assert len(own) == len(set(own)) == 4
    assert lines[-1].startswith("/why ")


def test_nothing_is_saved_or_remembered_unless_it_is_wanted(
    rapport: Rapport, card: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.chdir(tmp_path)
    typed(monkeypatch, "I live in Leeds.", "/facts")
    _, out, _ = rapport("chat", card, "--rehearse")
    assert "Nothing is remembered without --memory." in out
    assert [path.name for path in tmp_path.iterdir()] == ["mara.json"]


def test_a_saved_talk_is_collected_and_scored(
    rapport: Rapport, card: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = ("Hello, is this the clock shop?", "/again", "/up", "I had the same with a radio.")
    typed(monkeypatch, *lines, "Tell me about the cuckoo, would you?")
    code, out, _ = rapport("chat", card, "--rehearse", "--save", tmp_path / "talks")
    assert (code, out.splitlines()[-1][:6]) == (0, "Saved:")
    (path,) = (tmp_path / "talks").glob("*.jsonl")
    assert rapport("collect", path, "--out", tmp_path / "out")[0] == 0
    import pyarrow.parquet as pq

    (row,) = pq.read_table(tmp_path / "out" / "1-collect" / "kept").to_pylist()
    assert row["persona"]["name"] == "Mara Lind"
    assert [m["role"] for m in row["messages"]] == ["assistant", *["user", "assistant"] * 3]
    swipes = [one["content"] for one in row["alternatives"]]
    assert len(swipes) == 2
    assert [one["chosen"] for one in row["alternatives"]] == [False, True]
    assert row["messages"][2]["content"] == swipes[1]
    assert json.loads(row["extra"])["messages"][2]["extra"] == {"thumb": 1}
    code, out, _ = rapport("score", path, "--json")
    assert (code, len(json.loads(out)["conversations"])) == (0, 1)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("chat", "none.json", "--rehearse"), "There is no card none.json"),
        (("serve", "bad.json", "--rehearse"), "bad.json is no character card"),
        (("serve", "empty", "--rehearse"), "empty holds no card"),
        (("chat", "mara.json"), "Name a model with --model"),
        (("chat", "mara.json", "--rehearse", "--language", "xx"), "lacks"),
        (("serve", "lily.json", "--rehearse"), "Lily is no adult"),
        (("forget", "--memory", "nobody"), "Nothing is remembered of nobody"),
    ],
)
def test_a_mistake_is_one_message(
    rapport: Rapport,
    card: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    words: tuple[str, ...],
    told: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    (tmp_path / "bad.json").write_text("[]")
    (tmp_path / "empty").mkdir()
    lily = Character("Lily", "Lily is 16 and goes to school by the harbour.")
    (tmp_path / "lily.json").write_text(to_json(lily))
    code, _, err = rapport(*words)
    assert code == 1
    assert told in err
    assert "Traceback" not in err


def test_a_folder_of_cards_is_served_under_names(tmp_path: Path, card: Path) -> None:
    (tmp_path / "karl.png").write_bytes(to_png(Character("Karl Ost", "Karl, 44, mends bicycles.")))
    with served(companions(tmp_path)) as url:
        _, found = call(url, "/v1/models")
        assert [one["id"] for one in found["data"]] == ["karl-ost", "mara-lind"]
        assert call(url, "/v1/chat/completions", {"model": "Karl Ost", "messages": HELLO})[0] == 200


# --- memory


def stays(known: UserMemory, said: list[Message], now: dt.datetime, stage: int = 0) -> UserMemory:
    """The memory behind a talk that has reached a stage."""
    state = TalkState(stage=stage, begun=begun(known, said, now).begun)
    return renewed(known, said, state, mara().prompts.speech, now)


def test_a_talk_goes_on_where_it_began_and_a_new_one_where_the_last_ended() -> None:
    first = talk("Hello, it is me.", "Ah.", "I live in Leeds.", "Good.", "And it rains.")
    known = stays(UserMemory("anna", "Mara"), first, NOON, stage=1)
    later = NOON + dt.timedelta(hours=20)
    assert begun(known, first, later).begun == 0  # the same talk: the same state
    assert begun(known, talk("Me again!"), later).begun == 1
    assert begun(known, talk("Hello, it is me."), later).begun == 1  # new, with the same words
    assert begun(known, talk("Me again!"), NOON + dt.timedelta(days=9)).begun == 0


def test_facts_are_quoted_at_most_ten_and_stay_deleted() -> None:
    said = talk("I live in Leeds.", "And?", "I'm 44 and I work as a baker.", "I live in Hull.")
    known = stays(UserMemory("anna", "Mara"), said, NOON)
    assert [(fact.kind, fact.value) for fact in known.facts] == [
        ("home", "Leeds"),
        ("age", "44"),
        ("work", "baker"),
    ]
    assert known.facts[0].quote == "I live in Leeds."
    known = memory.without(known, 0)
    assert [fact.kind for fact in stays(known, said, NOON).facts] == ["age", "work"]
    moved = stays(known, [*said, Message("user", "I live in York now.")], NOON)
    assert [fact.value for fact in moved.facts] == ["44", "baker", "York"]


def test_a_memory_is_kept_for_its_owner_alone_and_damage_is_named(tmp_path: Path) -> None:
    known = stays(UserMemory("../anna", "Mara"), talk("I live in Leeds."), NOON)
    memory.write(tmp_path / "m", known)
    assert memory.read(tmp_path / "m", "../anna", "Mara") == known
    (path,) = tmp_path.rglob("*.json")
    assert path.is_relative_to(tmp_path / "m")
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    path.write_text("{}")
    with pytest.raises(UserError, match="is damaged"):
        memory.read(tmp_path / "m", "../anna", "Mara")


def test_a_server_remembers_who_says_so_and_shows_and_forgets(
    tmp_path: Path, rapport: Rapport, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    folder = tmp_path / "rapport" / "memory"
    said = [*HELLO, {"role": "assistant", "content": "Yes."}]
    said.append({"role": "user", "content": "I live in Leeds and I'm 44."})
    body = {"model": MODEL, "messages": said}
    with served(keeping=Keeping(memory=folder)) as url:
        call(url, "/v1/chat/completions", body)
        assert not folder.exists()  # nobody said who it is
        call(url, "/v1/chat/completions", body | {"user": "anna"})
        path = f"/talk/memory?model={MODEL}&user=anna"
        _, found = call(url, path)
        assert [fact["kind"] for fact in found["facts"]] == ["age", "home"]
        assert found["facts"][0]["quote"] == "I live in Leeds and I'm 44."
        _, found = call(url, f"{path}&fact=0", method="DELETE")
        assert [fact["kind"] for fact in found["facts"]] == ["home"]
        minor = [*said, {"role": "user", "content": "Oh, and I am 15."}]
        call(url, "/v1/chat/completions", {**body, "messages": minor, "user": "ben"})
        _, later = call(url, "/v1/chat/completions", body | {"user": "ben"})
        assert later["rapport"]["by"] == "safety"  # for good
    assert rapport("forget", "--memory", "anna")[0] == 0
    assert memory.read(folder, "anna", "Mara Lind").facts == ()
    assert memory.read(folder, "ben", "Mara Lind").minor


def test_what_is_remembered_reaches_the_model() -> None:
    from pipeline.companion.reply import Remembered
    from tests.companions import Scripted, answered

    model = Scripted(["So it rains in Leeds as well."])
    answered(talk("Hello!"), model, known=Remembered(facts=('"I live in Leeds."',)))
    system = model.asked[0]["messages"][0]["content"]
    assert system.endswith(f'{mara().words.facts}:\n- "I live in Leeds."')


# --- saving


def test_a_page_saves_only_where_that_is_wanted(tmp_path: Path) -> None:
    texts = ["Yes, mind the step.", "It is."]
    last = {"role": "assistant", "content": "It is.", "swipes": texts, "thumb": -1}
    body = {"model": MODEL, "name": "mara-1", "messages": [*HELLO, last]}
    with served() as url:
        assert call(url, "/talk/save", body)[0] == 404
        status, text = call(url, "/talk/export", body)
        assert (status, len(text.splitlines())) == (200, 3)
    with served(keeping=Keeping(saved=tmp_path / "talks")) as url:
        assert call(url, "/talk/save", body) == (200, {"saved": "mara-1.jsonl"})
        assert call(url, "/talk/save", body | {"name": "../x"})[0] == 400
        assert (
            call(url, "/talk/save", body | {"messages": [*HELLO, {**last, "thumb": 9}]})[0] == 400
        )
    written = (tmp_path / "talks" / "mara-1.jsonl").read_text("utf-8").splitlines()
    assert json.loads(written[2])["swipes"] == texts
    assert json.loads(written[2])["swipe_id"] == 1


def test_a_card_of_a_minor_makes_no_companion() -> None:
    for about in ("Lily is 16 and goes to school.", "A 15-year-old girl from the harbour."):
        with pytest.raises(UserError, match="is no adult"):
            companion(Character("Lily", about))


# --- the command that serves


@pytest.mark.parametrize(
    ("words", "shown"),
    [((), "http://127.0.0.1:"), (("--host", "0.0.0.0"), "token          ")],
)
def test_serve_shows_where_it_is_until_it_is_ended(
    rapport: Rapport, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...], shown: str
) -> None:
    """Without a card: a bundled character and the rehearsal model."""
    found: list[tuple[int, object]] = []
    plain = streams.show_lines

    def show(lines: list[str]) -> None:
        plain(lines)
        address = lines[2].split()[-1].replace("0.0.0.0", "127.0.0.1").removesuffix("/v1")
        threading.Thread(target=visit, args=(address,)).start()

    def visit(address: str) -> None:
        found.append(call(address, "/v1/models"))
        os.kill(os.getpid(), signal.SIGTERM)

    monkeypatch.setattr(streams, "show_lines", show)
    code, out, _ = rapport("serve", "--port", "0", *words)
    assert code == 0
    assert out.startswith("marisol-quintero: by the rehearsal model\n")
    assert shown in out
    assert found[0][0] == (401 if words else 200)


def test_a_port_that_is_taken_is_named(rapport: Rapport) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        code, _, err = rapport("serve", "--port", port)
    assert code == 1
    assert f"127.0.0.1:{port} cannot be listened on" in err
    assert "Choose another --port" in err
