"""`rapport score` as the evaluation of new conversations: verdicts, requirements, comparisons."""

from __future__ import annotations

import errno
import json
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from pipeline.cli.curve import BLOCKS, SILENT, curve
from pipeline.cli.verdicts import plain, short
from pipeline.conversation import CRITERIA, Annotation, Conversation, Language, Message, Score
from pipeline.run import runner
from pipeline.score.compare import compare
from pipeline.store.columns import to_table
from tests.conftest import Rapport
from tests.rows import conversation, record, write_jsonl

JUDGE = "a-judge"  # whose value stands before those of the offline scorers
TEN = Path(__file__).parents[1] / "examples" / "score" / "ten.jsonl"
RUSHED = (
    "Hi, is the room free?",
    "It is. I knew at once that you are the one, darling.",
    "Um, okay. How much is it?",
    "For you, all my love. I miss you already.",
)


def judged(number: int, values: Mapping[str, float | None], **more: object) -> Conversation:
    """A row with values of a judge."""
    row = conversation(number, language=Language("en", 0.9), **more)
    scores = [Score(name, value, JUDGE) for name, value in values.items()]
    source = row.source._replace(record=f"talk-{number}")
    return replace(row, source=source, scores=tuple(scores))


def written(path: Path, *rows: Conversation) -> Path:
    pq.write_table(to_table(rows), path)
    return path


def rushed(**more: object) -> Conversation:
    closeness = (-0.3, 0.7, -0.2, 0.9)
    stages = ("ice-breaker", "ice-breaker", "casual", "casual")
    notes = [
        Annotation(stage, closeness=close) for stage, close in zip(stages, closeness, strict=True)
    ]
    row = judged(7, {}, texts=RUSHED, annotations=tuple(notes))
    evidence = "Two steps closer in four messages, none of them taken up"
    score = Score("pacing", 1.2, JUDGE, evidence, (1, 3), spread=0.5)
    return replace(row, **{"scores": (score,), **more})


# --- verdicts


def test_a_verdict_has_values_evidence_and_the_messages_that_caused_it(
    tmp_path: Path, rapport: Rapport
) -> None:
    code, out, err = rapport("score", written(tmp_path / "new.parquet", rushed()))
    assert code == 0
    assert "Traceback" not in err
    lines = out.splitlines()
    assert "talk-7  ·  en 0.90  ·  4 messages  ·  talks.jsonl#7" in lines
    place = next(n for n, line in enumerate(lines) if line.startswith("  pacing"))
    assert lines[place].split()[:3] == ["pacing", "1.2", "Two"]
    said = " ".join(lines[place : place + 7])
    assert f"({JUDGE}; 0.5 apart)" in said
    assert "  1 assistant: It is. I knew at once that you are the one, darling." in said
    assert "  3 assistant: For you, all my love. I miss you already." in said
    assert "“my love”, “miss you”" in said
    assert "“you" not in said
    assert "  human_like     -  needs a judge" in lines


def test_a_verdict_names_what_was_measured(tmp_path: Path, rapport: Rapport) -> None:
    out = rapport("score", written(tmp_path / "new.parquet", rushed()))[1]
    (line,) = (line for line in out.splitlines() if line.startswith("  measured"))
    assert "balance 0." in line


@pytest.mark.parametrize(
    ("error", "code"), [(KeyboardInterrupt(), 130), (OSError(errno.ENOSPC, "full"), 1)]
)
def test_who_is_stopped_is_not_promised_what_is_removed(
    tmp_path: Path,
    rapport: Rapport,
    monkeypatch: pytest.MonkeyPatch,
    error: BaseException,
    code: int,
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(runner, "run", fail)
    path = written(tmp_path / "new.parquet", rushed())
    found, out, err = rapport("score", path)
    assert (found, out) == (code, "")
    assert err.endswith("Nothing is kept without --out.\n")
    assert "What was finished is kept" not in err
    error.__notes__ = []  # it is raised once more
    assert "What was finished is kept" in rapport("score", path, "--out", tmp_path / "out")[2]


def test_of_long_evidence_the_beginning_is_shown(tmp_path: Path, rapport: Rapport) -> None:
    score = Score("engaging", 2.0, JUDGE, "So it goes on and on. \n" * 40)
    out = rapport("score", written(tmp_path / "new.parquet", rushed(scores=(score,))))[1]
    assert out.count("on and on") < 15
    assert " …" in out


def test_it_is_read_at_80_columns_without_colours(
    tmp_path: Path, rapport: Rapport, monkeypatch: pytest.MonkeyPatch
) -> None:
    long = replace(rushed(), messages=tuple(Message("assistant", "ждать " * 90) for _ in range(4)))
    wide = replace(long, messages=tuple(Message("user", "你好吗我很想你" * 20) for _ in range(4)))
    path = written(tmp_path / "new.parquet", long, replace(wide, id="f" * 16))
    monkeypatch.setenv("NO_COLOR", "1")
    out = rapport("score", path)[1]
    assert "\x1b" not in out
    widths = {cell_len(line) for line in out.partition("criterion ")[0].splitlines()[1:]}
    assert max(widths) <= 80
    assert "…" in out


def test_what_a_terminal_would_obey_is_not_shown(tmp_path: Path, rapport: Rapport) -> None:
    texts = ("Hi.", "You are\x1b[2J the one,\r\n darling.\x07", "Oh.", "Yes.")
    out = rapport("score", written(tmp_path / "new.parquet", rushed(messages=of(texts))))[1]
    assert "\x1b" not in out
    assert "\x07" not in out
    assert "1 assistant: You are[2J the one, darling." in out


def of(texts: tuple[str, ...]) -> tuple[Message, ...]:
    return tuple(Message("assistant" if n % 2 else "user", text) for n, text in enumerate(texts))


def test_several_conversations_end_with_a_row_for_each_criterion(
    tmp_path: Path, rapport: Rapport
) -> None:
    rows = [judged(n, {"engaging": float(n)}) for n in (2, 3, 4)] + [judged(5, {})]
    out = rapport("score", written(tmp_path / "new.parquet", *rows))[1]
    summary = [line.split() for line in out.splitlines()]
    assert ["engaging", "3", "3.0", "25%"] in summary
    assert ["human_like", "0", "-", "100%"] in summary


def test_of_many_conversations_the_first_are_shown_and_the_rest_is_counted(
    tmp_path: Path, rapport: Rapport
) -> None:
    rows = [judged(n, {"engaging": 3.0}) for n in range(53)]
    out = rapport("score", written(tmp_path / "new.parquet", *rows))[1]
    assert out.count("  ·  talks.jsonl#") == 50
    assert "3 further conversations: --json shows all, --out keeps them." in out
    assert ["engaging", "53", "3.0", "0%"] in [line.split() for line in out.splitlines()]


def test_nothing_is_kept_without_a_folder_and_all_of_it_with_one(
    tmp_path: Path, rapport: Rapport, monkeypatch: pytest.MonkeyPatch
) -> None:
    aside, out = tmp_path / "aside", tmp_path / "out"
    aside.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(aside))
    path = written(tmp_path / "new.parquet", rushed())
    shown = rapport("score", path)[1]
    assert [*aside.iterdir()] == []
    kept = rapport("score", path, "--out", out)[1]
    assert "main reasons" in kept
    assert "main reasons" not in shown
    assert "  pacing       1.2" in kept
    assert (out / "5-score" / "report.json").is_file()


def test_foreign_files_are_read_and_what_was_assumed_is_said(
    tmp_path: Path, rapport: Rapport
) -> None:
    lines = [f"[01/02/2024, 10:0{n}:00] {('Ann', 'Bo')[n % 2]}: Is it late?\n" for n in range(6)]
    (tmp_path / "chat.txt").write_text("".join(lines))
    code, out, _ = rapport("score", tmp_path / "chat.txt")
    assert code == 0
    assert "1 file read as whatsapp, 1 conversation" in out
    assert "assumed that" in out


def test_a_record_that_cannot_be_read_is_named(tmp_path: Path, rapport: Rapport) -> None:
    path = write_jsonl(tmp_path / "new.jsonl", [record(1), "{broken", record(2)])
    code, out, err = rapport("score", path)
    assert code == 3
    assert "pacing" in out  # of the others all is said
    assert "1 record could not be read:\n  new: new.jsonl#2: record.malformed: " in err
    code, out, _ = rapport("score", path, "--json")
    assert code == 3
    assert len(json.loads(out)["conversations"]) == 2
    assert json.loads(out)["unread"][0].startswith("new: new.jsonl#2: record.malformed: ")
    whole = write_jsonl(tmp_path / "whole.jsonl", [record(1)])
    code, _, err = rapport("score", "--compare", path, whole)
    assert code == 3
    assert "new.jsonl#2" in err


# --- the curve


def rows_of(lines: list[str]) -> dict[str, str]:
    return {line[2:11].strip(): line[13:] for line in lines[1:]}


def test_the_curve_has_a_line_for_each_side_and_the_stages_below() -> None:
    legend, *_ = lines = list(curve(rushed()))
    assert BLOCKS[0] in legend
    assert BLOCKS[-1] in legend
    found = rows_of(lines)
    assert found["message"] == "0   1   2   3"
    assert found["user"] == "▂▂▂     ▃▃▃"
    assert found["assistant"] == "    ███     ███"
    assert found["stage"] == "|ice-bre|casual"


def test_a_message_that_was_not_measured_has_a_sign_of_its_own() -> None:
    row = rushed()
    notes = (Annotation(), *row.annotations[1:])
    found = rows_of(list(curve(replace(row, annotations=notes))))
    assert found["user"].startswith(SILENT * 3)
    assert list(curve(replace(row, annotations=()))) == []
    assert list(curve(replace(row, annotations=(Annotation(),) * 4))) == []


@given(st.integers(1, 700), st.data())
def test_a_conversation_of_any_length_fits_the_terminal(count: int, data: st.DataObject) -> None:
    values = st.one_of(st.none(), st.floats(-1, 1))
    closeness = data.draw(st.lists(values, min_size=1, max_size=9))
    stages = data.draw(st.lists(st.sampled_from(("ice-breaker", "casual", "close")), min_size=1))
    notes = [
        Annotation(stages[n % len(stages)], closeness=closeness[n % len(closeness)])
        for n in range(count)
    ]
    row = conversation(1, ["Hello."] * count, annotations=tuple(notes))
    lines = list(curve(row))
    assert bool(lines) == any(one.closeness is not None for one in notes)
    assert all(cell_len(line) <= 80 for line in lines)
    if lines:
        assert rows_of(lines)["message"].startswith("0")


@given(st.text(), st.integers(2, 90))
def test_a_text_is_cut_to_one_line_of_a_terminal(text: str, width: int) -> None:
    cut = short(plain(text), width)
    assert cell_len(cut) <= width
    assert len(cut.splitlines()) <= 1


# --- requirements


def test_what_is_required_and_met_ends_with_0(tmp_path: Path, rapport: Rapport) -> None:
    rows = [judged(n, {"engaging": 3.0, "human_like": 4.5}) for n in (1, 2)]
    path = written(tmp_path / "new.parquet", *rows)
    assert rapport("score", path, "--require", "engaging=3, human_like=4")[0] == 0


def test_a_value_below_is_code_1_with_conversation_and_message(
    tmp_path: Path, rapport: Rapport
) -> None:
    good = judged(1, {"pacing": 5.0})
    code, out, err = rapport(
        "score", written(tmp_path / "new.parquet", good, rushed()), "--require", "pacing=3"
    )
    assert code == 1
    assert "  pacing       1.2" in out
    (sentence,) = [line for line in err.splitlines() if "required" in line]
    where = "talk-7 (talks.jsonl#7): pacing is 1.20, 3 is required: Two steps closer in four"
    assert sentence.startswith(where)
    assert "; message 1: It is. I knew at once that you are the one, darling." in sentence


def test_what_nobody_can_say_is_not_passed_over(tmp_path: Path, rapport: Rapport) -> None:
    path = written(tmp_path / "new.parquet", rushed())
    code, _, err = rapport("score", path, "--require", "human_like=1")
    assert code == 1
    assert "talk-7 (talks.jsonl#7): human_like has no value, 1 is required: needs a judge" in err


def test_what_was_not_read_is_not_passed_over(tmp_path: Path, rapport: Rapport) -> None:
    broken = write_jsonl(tmp_path / "new.jsonl", ["{broken"])
    good = written(tmp_path / "good.parquet", judged(1, {"engaging": 5.0}))
    code, _, err = rapport("score", good, broken, "--require", "engaging=3")
    assert code == 1
    assert "1 record could not be read: nothing is known of what is required there." in err
    assert "engaging is" not in err


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("speed=3", "there is no criterion `speed`; there are in_role"),
        ("pacin=3", "did you mean `pacing`?"),
        ("pacing", "write CRITERION=LEAST, as in pacing=3,safe=4"),
        ("pacing=", "write CRITERION=LEAST"),
        ("pacing=high", "the least value is a number from 1 to 5"),
        ("pacing=0", "the least value is a number from 1 to 5"),
        ("pacing=nan", "the least value is a number from 1 to 5"),
        ("pacing=3,pacing=4", "`pacing` stands twice"),
        ("", "write CRITERION=LEAST"),
    ],
)  # fmt: skip
def test_a_mistake_in_a_requirement_is_code_2(rapport: Rapport, given: str, message: str) -> None:
    code, out, err = rapport("score", "none.jsonl", "--require", given)
    assert (code, out) == (2, "")
    assert message in " ".join(err.split())


def test_json_is_one_document_with_all_that_is_shown(tmp_path: Path, rapport: Rapport) -> None:
    path = written(tmp_path / "new.parquet", rushed(), judged(1, {"pacing": 4.0}))
    code, out, _ = rapport("score", path, "--json", "--require", "pacing=3")
    found = json.loads(out)
    assert code == 1
    first, second = found["conversations"]
    assert (first["id"], first["language"]["code"], second["id"]) == ("talk-7", "en", "talk-1")
    said = {one["criterion"]: one for one in first["verdicts"]}
    assert list(said) == list(CRITERIA)
    assert (said["pacing"]["value"], said["pacing"]["messages"]) == (1.2, [1, 3])
    assert (said["human_like"]["value"], said["human_like"]["evidence"]) == (None, "needs a judge")
    assert [one["closeness"] for one in first["annotations"]] == [-0.3, 0.7, -0.2, 0.9]
    mean = {one["criterion"]: one for one in found["criteria"]}["pacing"]
    assert mean == {"criterion": "pacing", "n": 2, "mean": 2.6, "nulls": 0.0}
    (short,) = found["short"]
    assert (short["id"], short["criterion"], short["least"]) == ("talk-7", "pacing", 3)
    assert [row["stage"] for row in found["funnel"]] == ["collect", "score"]


# --- two files


def compared(rapport: Rapport, first: Path, second: Path) -> dict[str, object]:
    code, out, _ = rapport("score", "--compare", first, second, "--json")
    assert code == 0
    found: dict[str, object] = json.loads(out)
    return found


def difference(found: dict[str, object], criterion: str) -> dict[str, object]:
    differences = found["differences"]
    assert isinstance(differences, list)
    return next(dict(one) for one in differences if one["criterion"] == criterion)


def values(seed: int, base: float = 3.0) -> Iterator[float]:
    return (base + (number * seed % 7 - 3) / 4 for number in range(12))


def test_conversations_with_the_same_id_are_compared_in_pairs(
    tmp_path: Path, rapport: Rapport
) -> None:
    before = [judged(n, {"engaging": value}) for n, value in enumerate(values(3))]
    after = [judged(n, {"engaging": value - 0.25}) for n, value in enumerate(values(3))]
    first = written(tmp_path / "a.parquet", *before)
    second = written(tmp_path / "b.parquet", *reversed(after))
    found = compared(rapport, first, second)
    assert found["pairs"] == 12
    engaging = difference(found, "engaging")
    assert engaging["n"] == [12, 12]
    assert engaging["difference"] == {"value": -0.25, "low": -0.25, "high": -0.25}
    shown = rapport("score", "--compare", first, second)[1]
    assert "compared in pairs: 12 conversations with the same id in both" in shown
    row = next(line for line in shown.splitlines() if line.startswith(" engaging"))
    assert row.split()[1:6:4] == ["12", "-0.25"]
    assert row.rstrip().endswith("B is lower")


def test_other_ids_are_two_groups_and_an_interval_that_holds_0_says_so(
    tmp_path: Path, rapport: Rapport
) -> None:
    first = written(
        tmp_path / "a.parquet", *(judged(n, {"engaging": v}) for n, v in enumerate(values(3)))
    )
    second = written(
        tmp_path / "b.parquet",
        *(judged(n + 50, {"engaging": v, "safe": 4.0}) for n, v in enumerate(values(5, 3.1))),
    )
    found = compared(rapport, first, second)
    assert found["pairs"] == 0
    engaging = difference(found, "engaging")["difference"]
    assert isinstance(engaging, dict)
    assert engaging["low"] < 0 < engaging["high"]
    assert difference(found, "human_like")["means"] is None
    shown = rapport("score", "--compare", first, second)[1]
    assert "compared as two groups: ids do not match" in shown
    row = next(line for line in shown.splitlines() if line.startswith(" engaging"))
    assert "no difference shown: holds 0" in row
    assert "no value" in next(line for line in shown.splitlines() if "human_like" in line)


def test_a_clear_difference_of_groups_is_found_and_is_the_same_every_time() -> None:
    low = [judged(n, {"engaging": v}) for n, v in enumerate(values(3, 2.0))]
    high = [judged(n + 50, {"engaging": v}) for n, v in enumerate(values(5, 4.0))]
    found = compare(low, high)
    engaging = next(one for one in found.differences if one.criterion == "engaging")
    assert engaging.difference is not None
    assert engaging.difference.low > 1
    assert found == compare(low, high)
    few = next(one for one in compare(low[:4], high).differences if one.criterion == "engaging")
    assert (few.n, few.difference) == ((4, 12), None)


def test_ids_that_stand_twice_pair_nothing() -> None:
    rows = [judged(n, {"engaging": 3.0}) for n in range(6)]
    assert compare(rows, rows).pairs == 6
    assert compare([*rows, rows[0]], rows).pairs == 0


def test_compare_takes_two_files_and_nothing_to_keep(tmp_path: Path, rapport: Rapport) -> None:
    code, _, err = rapport("score", "--compare", "a.jsonl")
    assert code == 2
    assert "--compare takes two files" in err
    code, _, err = rapport("score", "--compare", "a.jsonl", "b.jsonl", "--require", "safe=3")
    assert code == 2
    assert "no --require" in err


# --- examples


@pytest.mark.skipif(not TEN.is_file(), reason="the ten conversations are not there")
def test_the_ten_examples_each_have_a_verdict(rapport: Rapport) -> None:
    code, out, _ = rapport("score", TEN, "--json")
    assert code == 0
    found = json.loads(out)["conversations"]
    assert len(found) == 10
    for one in found:
        assert [said["criterion"] for said in one["verdicts"]] == list(CRITERIA)
        for said in one["verdicts"]:
            assert said["value"] is not None or said["evidence"]
            assert said["value"] is None or 1 <= said["value"] <= 5
