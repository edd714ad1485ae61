"""Looking in a terminal: look, sample, export, compare, and what never reaches it."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import pytest

from pipeline.cli import streams
from tests.conftest import Rapport
from tests.looking import ESCAPE, copied, looked_at
from tests.rows import record, write_jsonl


def test_a_sample_shows_chats_with_their_findings(looked_run: Path, rapport: Rapport) -> None:
    code, out, _ = rapport("sample", looked_run, "--where", "rule=style.placeholder")
    assert code == 0
    assert "style.placeholder 2, limit 0: [Your Name]" in out
    assert out.count("──") == 1
    again = rapport("sample", looked_run, "-n", "3", "--dropped", "--seed", "4")
    assert again == rapport("sample", looked_run, "-n", "3", "--dropped", "--seed", "4")
    assert again[1].count("──") == 3
    assert "No row is like that" in rapport("sample", looked_run, "--stage", "generate")[1]


def test_foreign_escape_codes_never_reach_a_terminal(looked_run: Path, rapport: Rapport) -> None:
    """Not by a sample, a whole chat, a life, or an error that quotes a name."""
    from pipeline.look import rows
    from pipeline.look.selection import Selection

    look = looked_at(looked_run)
    own = rows.page(look, Selection(find="is that so"), 0, 1)["rows"][0]["id"]
    for command in (
        ("look", looked_run, "--text", own),
        ("sample", looked_run, "-n", "30"),
        ("why", looked_run, own),
        ("sample", looked_run, "--where", f"source={ESCAPE}"),
        ("sample", looked_run, "--where", f"{ESCAPE}=1"),
    ):
        _, out, err = rapport(*command)
        assert not set("\x1b\x9b\x07\u202e") & set(out + err)
    assert "red" in rapport("look", looked_run, "--text", own)[1]


def test_json_holds_no_code_either(capfd: pytest.CaptureFixture[str]) -> None:
    streams.show_json({"text": ESCAPE})
    out = capfd.readouterr().out
    assert not set("\x1b\x9b\x07") & set(out)
    assert json.loads(out) == {"text": ESCAPE}


def test_rows_are_exported(looked_run: Path, tmp_path: Path, rapport: Rapport) -> None:
    path = tmp_path / "x.jsonl"
    where = ("--where", "source=forum", "--where", "outcome=kept")
    code, out, _ = rapport("export", looked_run, *where, "--to", path)
    lines = path.read_text("utf-8").splitlines()
    assert (code, out) == (0, f"{len(lines)} rows: {path}\n")
    assert {json.loads(line)["source"]["name"] for line in lines} == {"forum"}
    code, _, err = rapport("export", looked_run, "--to", tmp_path / "x.doc")
    assert code == 1
    assert "jsonl, parquet, csv" in err
    code, _, err = rapport("export", looked_run, "--where", "sauce=x", "--to", path)
    assert (code, "did you mean `source`" in err) == (1, True)


def test_two_runs_are_compared(looked_run: Path, tmp_path: Path, rapport: Rapport) -> None:
    code, out, _ = rapport("compare", looked_run, looked_run / "6-publish" / "dataset")
    assert code == 0
    assert "in both: 19; in A alone: 9; in B alone: 0" in out
    code, out, _ = rapport("compare", looked_run, looked_run, "--json")
    assert json.loads(out)["moves"] == []


def test_one_file_of_html_and_one_of_sqlite(
    looked_run: Path, tmp_path: Path, rapport: Rapport, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert rapport("look", looked_run, "--export", "html")[:2] == (0, "out.html\n")
    assert "<script" not in (tmp_path / "out.html").read_text("utf-8")
    code, _, err = rapport("look", looked_run, "--export", "html")
    assert (code, "exists already" in err) == (1, True)
    assert rapport("look", looked_run, "--export", "sqlite")[0] == 0
    connection = sqlite3.connect(tmp_path / "out.sqlite")
    assert connection.execute("SELECT count(*) FROM conversations").fetchone() == (28,)
    connection.close()


def test_a_plain_file_opens_as_well(tmp_path: Path, rapport: Rapport) -> None:
    path = write_jsonl(tmp_path / "talks.jsonl", [record(number) for number in range(3)])
    code, out, _ = rapport("sample", path, "-n", "5")
    assert code == 0
    assert out.count("── ") == 3
    code, _, err = rapport("sample", tmp_path / "none.jsonl")
    assert (code, "There is nothing at" in err) == (1, True)


def test_what_people_decided_is_shown(looked_run: Path, tmp_path: Path, rapport: Rapport) -> None:
    from pipeline.look import decisions

    run = copied(looked_run, tmp_path)
    look = looked_at(run)
    own = look.frame.columns.id(look.frame.rows - 1)
    decisions.decide(look, {"id": own, "action": "drop", "who": "anna"})
    assert "anna decided on" in rapport("look", run, "--text", own)[1]
    assert own in rapport("sample", run, "--where", "review=drop")[1]
