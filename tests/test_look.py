"""What is looked at: the index of a run, selections, search, and what each view shows."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipeline import UserError
from pipeline.look import (
    blind,
    compare,
    decisions,
    funnel,
    life,
    pairs,
    query,
    rows,
    shown,
    side,
    whatif,
)
from pipeline.look.export import harmless, written
from pipeline.look.index import build
from pipeline.look.index.fold import folded
from pipeline.look.selection import Selection, selection
from pipeline.look.state import Look
from pipeline.look.subject import subject
from pipeline.look.warm import warm
from pipeline.store.columns import SCHEMA
from pipeline.store.lock import locked
from pipeline.store.store import Store
from tests.looking import EMOJI, RIGHT_TO_LEFT, SCRIPT, copied, id_of, looked_at
from tests.rows import conversation


@pytest.fixture(scope="module")
def look(looked_run: Path) -> Look:
    return looked_at(looked_run)


def found(look: Look, *where: str, **more: str) -> list[str]:
    """The ids of a selection, in order."""
    asked = selection({"where": where, **{name: [value] for name, value in more.items()}})
    return [row["id"] for row in rows.page(look, asked, 0, 200)["rows"]]


def stored(run: Path, kind: str) -> list[dict[str, object]]:
    """All rows of a kind that the stores of a run hold, by their files alone."""
    files = sorted(run.glob(f"[1-6]-*/{kind}/*.parquet"))
    return [row for file in files for row in pq.read_table(file).to_pylist()]


# --- the index


def test_every_row_stands_where_its_store_has_it(look: Look, looked_run: Path) -> None:
    dropped = [row["id"] for row in stored(looked_run, "dropped")]
    last = pq.read_table(looked_run / "6-publish" / "kept").to_pylist()
    assert sorted(found(look, "outcome=dropped")) == sorted(dropped)
    assert sorted(found(look, "outcome=kept")) == sorted(row["id"] for row in last)
    assert len(found(look, "outcome=quarantined")) == len(stored(looked_run, "quarantine")) == 2


def test_an_index_is_used_again_and_made_again_where_it_is_damaged(
    looked_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = copied(looked_run, tmp_path)
    total = looked_at(run).frame.rows
    monkeypatch.setattr(build, "extracted", lambda origin: pytest.fail("made again"))
    assert looked_at(run).frame.rows == total
    monkeypatch.undo()
    frame = run / ".look" / "frame.flat"
    frame.write_bytes(frame.read_bytes()[:-100])
    for text in list((run / ".look").glob("*.text"))[:3]:
        text.unlink()
    again = looked_at(run)
    assert again.frame.rows == total
    assert found(again, find="harbour")


def test_rows_land_while_a_run_is_at_work(tmp_path: Path) -> None:
    store, second = Store(tmp_path, "1-collect"), Store(tmp_path, "3-filter")
    (tmp_path / "recipe.yaml").write_text("name: live\n")
    store.write("00000", "k", [conversation(number) for number in range(5)])
    look = looked_at(tmp_path)
    first = found(look)
    assert len(first) == 5
    store.write("00001", "k", [conversation(number) for number in range(5, 8)])
    look.index.refresh()
    assert found(look)[:5] == first
    assert len(found(look)) == 8
    # the next stage has begun: its first part stands there, the second where it was
    report = {"before": "", "store": "s", "key": "k", "in": 8, "added": 8, "seconds": 1.0}
    store.write_record("report.json", report)
    second.write("00000-000", "k2", [conversation(number) for number in range(4)])
    look.index.refresh()
    assert found(look, "stage=filter") == first[:4]
    assert len(found(look, "stage=collect")) == 3
    states = [stage["state"] for stage in funnel.funnel_page(look)["stages"]]
    assert states == ["done", "running"]


def test_a_run_at_work_is_seen_by_its_lock(tmp_path: Path) -> None:
    (tmp_path / "recipe.yaml").write_text("name: live\n")
    at = subject(tmp_path, tmp_path)
    assert not at.is_live()
    with locked(Store(tmp_path)):
        assert at.is_live()
    assert not at.is_live()


def test_what_is_gone_or_damaged_is_named_and_the_rest_is_shown(
    looked_run: Path, tmp_path: Path
) -> None:
    run = copied(looked_run, tmp_path)
    shutil.rmtree(run / ".look", ignore_errors=True)
    gone, cut = sorted((run / "6-publish" / "kept").iterdir())
    kept = len(pq.read_table(cut))
    gone.unlink()
    (damaged,) = (run / "4-dedup" / "dropped").iterdir()
    damaged.write_bytes(damaged.read_bytes()[:200])
    look = looked_at(run)
    problems = " ".join(look.index.problems)
    assert str(gone) in problems
    assert str(damaged) in problems
    assert len(found(look, "outcome=kept")) == kept
    shutil.rmtree(run / "5-score")
    with pytest.raises(UserError, match="neither a run nor"):
        subject(run / "5-score", tmp_path)


def test_rows_of_an_older_and_of_a_newer_version(tmp_path: Path) -> None:
    """Missing columns are not known; an unknown one is refused in words when a row is opened."""
    store = Store(tmp_path, "1-collect")
    (tmp_path / "recipe.yaml").write_text("name: old\n")
    store.write("00000", "k", [conversation(number) for number in range(3)])
    (file,) = (tmp_path / "1-collect" / "kept").iterdir()
    table = pq.read_table(file)
    older = table.drop_columns(["measures", "annotations", "scores", "relationship"])
    pq.write_table(older, file)
    look = looked_at(tmp_path)
    assert len(found(look, "turns=null")) == 3
    assert shown.shown(look, found(look)[0])["measures"] == {}
    pq.write_table(table.append_column("moods", pa.array([1.0, 2.0, 3.0])), file)
    with pytest.raises(UserError, match="another version of Rapport"):
        shown.shown(look, found(look)[0])


# --- selections and search


@pytest.mark.parametrize(
    ("where", "count"),
    [
        (["rule=safety.minor"], 1),
        (["reason=dedup.near|publish.questions"], 2),
        (["outcome!=kept", "source=forum"], 7),
        (["turns=6"], 26),
        (["turns=..5"], 0),
        (["turns=null"], 2),
        (["turns>=6", "turns<100"], 26),
        (["split!=null"], 19),
        (["license=MIT"], 6),
        (["rule=privacy.email|safety.minor", "outcome=kept"], 1),
        (["edit=filter: masked personal data in message"], 1),
        (["review=none"], 28),
        (["id=nothing"], 0),
    ],
)
def test_selections(look: Look, where: list[str], count: int) -> None:
    assert len(found(look, *where)) == count
    assert side.side_bar(look, selection({"where": where}))["count"] == count


@pytest.mark.parametrize(
    ("where", "sentence"),
    [
        ("sources=forum", "did you mean `source`"),
        ("turns=many", "a number, a range as 4..60"),
        ("source<3", "is not a number"),
        ("nonsense", "FIELD=VALUE"),
    ],
)
def test_a_selection_that_cannot_be_read_is_answered_in_words(where: str, sentence: str) -> None:
    with pytest.raises(UserError, match=sentence):
        selection({"where": [where]})


@pytest.mark.parametrize(
    ("text", "regex", "count"),
    [
        ("HARBOUR", "", 5),
        ("שלום", "", 1),
        ("<script>", "", 1),
        ("kettle')</script>", "", 1),
        ("number 1[01] on", "1", 2),
        ("nowhere at all", "", 0),
        ("launderette around.*you did", "1", 0),  # no pattern crosses messages
    ],
)
def test_search(look: Look, text: str, regex: str, count: int) -> None:
    assert len(found(look, find=text, regex=regex)) == count


def test_a_hit_is_shown_with_what_is_around_it(look: Look) -> None:
    (row,) = rows.page(look, selection({"find": ["body, as"], "where": []}), 0, 5)["rows"] or [None]
    assert row is None or row["hit"]
    (row,) = rows.page(look, Selection(find="as an ai"), 0, 5)["rows"]
    assert row["hit"] == {
        "message": 3,
        "before": "😀 i will be at the harbour, ",
        "match": "as an ai",
        "after": " language model i have no body.",
    }


def test_a_bad_pattern_is_answered_in_words(look: Look) -> None:
    with pytest.raises(UserError, match="not a pattern"):
        found(look, find="(", regex="1")


def test_folding() -> None:
    assert folded("Ｋett\u200ble ÉTÉ ﬁn Straße") == "kettle été fin strasse"


def test_a_sample_is_even_and_the_same_for_a_seed(look: Look) -> None:
    first = found(look, sample="6", seed="1")
    assert first == found(look, sample="6", seed="1")
    assert first != found(look, sample="6", seed="2")
    sources = [shown.shown(look, row)["source"] for row in found(look, "outcome=kept", sample="6")]
    assert [source and source["name"] for source in sources].count("letters") == 3


def test_order_and_pages(look: Look) -> None:
    ordered = found(look, sort="words", order="desc")
    words = [look.frame.columns.number("words", look.frame.rows_with_id(one)[0]) for one in ordered]
    known = [value for value in words if value is not None]
    assert known == sorted(known, reverse=True)
    assert words[-2:] == [None, None]  # what was not measured comes last
    asked = Selection(sort="words", descending=True)
    pages = [rows.page(look, asked, start, 5)["rows"] for start in range(0, 30, 5)]
    assert [row["id"] for page in pages for row in page] == ordered


def test_the_side_bar_counts_what_a_loop_would(look: Look) -> None:
    bar = side.side_bar(look, selection({"where": ["source=forum", "turns=6"]}))
    every = [look.frame.columns.value("source", row) for row in range(look.frame.rows)]
    by_source = {one["value"]: one["all"] for one in bar["facets"]["source"]}
    assert by_source == {name: every.count(name) for name in set(every)}
    # what a facet asks of itself does not limit its own values
    assert {one["value"]: one["count"] for one in bar["facets"]["source"]}["letters"] == 6
    own = found(look, "source=forum", "turns=6")
    frame = look.frame
    words = [frame.columns.number("words", frame.rows_with_id(one)[0]) for one in own]
    histogram = bar["numbers"]["words"]
    expected, _ = np.histogram([one for one in words if one], histogram["edges"])
    assert histogram["counts"] == expected.tolist()


# --- views


def test_the_funnel_loses_what_the_stages_have_dropped(look: Look) -> None:
    page = funnel.funnel_page(look)
    for stage in page["stages"]:
        sources = stage["sources"].values()
        assert sum(one["kept"] for one in sources) == stage["kept"]
        assert sum(one["dropped"] for one in sources) == stage["dropped"]
        assert sum(one["in"] for one in sources) == stage["in"]
    assert page["sources"][0]["most_lost_to"]


def test_what_is_worth_a_look(looked_run: Path) -> None:
    look = looked_at(looked_run)
    warm(look)
    kinds = {one["kind"]: one for one in funnel.funnel_page(look)["worth"]}
    assert kinds["split_groups"]["level"] == "ok"


def test_a_conversation_is_whole_and_places_are_those_of_javascript(look: Look) -> None:
    row = shown.shown(look, id_of(look, "as an ai"))
    (finding,) = (one for one in row["findings"] if one["rule"] == "style.assistant")
    units = EMOJI.encode("utf-16-le")
    start, end = finding["start"], finding["end"]
    assert start is not None
    assert end is not None
    assert units[2 * start : 2 * end].decode("utf-16-le") == finding["evidence"]
    assert row["reason"] == "style.assistant"


def test_hostile_texts_come_as_they_are_and_long_ones_are_cut(look: Look) -> None:
    for text in (SCRIPT, RIGHT_TO_LEFT.strip("\u202e\u202c")):
        row = shown.shown(look, id_of(look, folded(text)))
        assert text in row["messages"][3]["text"]
    long = shown.shown(look, id_of(look, "very long sentence"))
    message = long["messages"][3]
    assert (message["cut"] or 0) > 200_000
    assert len(message["text"]) == shown.LONGEST
    assert len(shown.whole_text(look, long["id"], 3)) == message["cut"]


def test_masked_data_are_marked(look: Look) -> None:
    row = shown.shown(look, found(look, "rule=privacy.email")[0])
    (mask,) = row["messages"][3]["masks"]
    assert mask["kind"] == "email"
    assert mask["masked"]
    text = row["messages"][3]["text"]
    assert "robin.kettle" not in text
    assert text[mask["start"] : mask["end"]].endswith("example.org")


def test_the_life_line_shows_what_a_stage_has_changed(look: Look) -> None:
    line = life.life_line(look, found(look, "rule=privacy.email")[0])
    stages = {stage["stage"]: stage for stage in line["stages"]}
    assert list(stages) == ["collect", "generate", "filter", "dedup", "score", "publish"]
    (change,) = stages["filter"]["changes"]
    gone = "".join(text for kind, text in change["pieces"] if kind == "gone")
    assert "robin" in gone


def test_pairs_are_folded_to_what_differs(look: Look) -> None:
    page = pairs.pairs_page(look, Selection(), 0, 10)
    (pair,) = page["pairs"]
    assert pair["rule"] == "dedup.near"
    whole = pairs.pair_page(look, pair["id"], pair["partner"])
    assert whole["stays"] == pair["partner"]
    folded_lines, (line,) = whole["lines"][:1], whole["lines"][1:]
    assert folded_lines == [{"same": 5}]
    differing = {kind: text for kind, text in line["pieces"] if kind != "same"}
    assert set(differing) == {"gone", "new"}
    assert set(differing.values()) == {"laugh", "smile"}


def test_what_if_counts_what_filter_would_decide(look: Look) -> None:
    found_out = whatif.what_if(look, "structure.turns", 7, None)
    assert found_out["newly_dropped"] == len(found(look, "newly_dropped=structure.turns@7")) == 21
    assert found_out["newly_kept"] == 0
    assert "structure.turns: {limit: 7}" in found_out["recipe"]
    assert found_out["limits"]
    more = whatif.what_if(look, "style.placeholder", 5, None)
    assert more["newly_kept"] == 1
    placeholder = found(look, "reason=style.placeholder")
    assert found(look, "newly_kept=style.placeholder@5") == placeholder
    cut = whatif.what_if(look, "publish.questions.min", 0.0, None)
    assert (cut["limit"], cut["newly_kept"], cut["newly_dropped"]) == (0.05, 1, 0)
    higher = whatif.what_if(look, "dedup.threshold", 0.99, None)
    assert higher["newly_kept"] == 1
    names = [one["rule"] for one in whatif.choices(look)]
    assert {"style.placeholder", "publish.questions.min", "dedup.threshold"} <= set(names)
    with pytest.raises(UserError, match="Nothing is stored"):
        whatif.what_if(look, "style.unheard_of", 1, None)


def test_what_if_says_what_a_run_with_that_limit_drops(look: Look, looked_run: Path) -> None:
    """Against `filter` itself, on what it has measured."""
    from pipeline.conversation import Drop
    from pipeline.filter import decide
    from pipeline.recipe.filter import FilterSettings

    changed = {"style.distinct_2": {"limit": 0.9, "decision": "drop"}}
    settings = FilterSettings.model_validate({"privacy": "mask", "rules": changed})
    measured = list(Store(looked_run, "3-filter/measured").rows())
    before = {row.id for row in stored_conversations(looked_run)}
    decided = [one for one in decide(measured, settings) if isinstance(one, Drop)]
    newly = {one.conversation.id for one in decided} - before
    assert set(found(look, "newly_dropped=style.distinct_2@0.9")) == newly


def stored_conversations(run: Path) -> list:  # type: ignore[type-arg]
    return list(Store(run, "3-filter").rows("dropped"))


def test_two_runs_are_compared(look: Look, looked_run: Path, tmp_path: Path) -> None:
    other = copied(looked_run, tmp_path)
    for file in (other / "4-dedup" / "dropped").iterdir():
        file.unlink()
    second = looked_at(other)
    result = compare.compared(second, look)
    assert (result["only_a"], result["only_b"]) == (0, 1)
    assert result["both"] == second.frame.rows
    assert result["moves"] == []
    released = compare.compared(look, looked_at(looked_run / "6-publish" / "dataset"))
    assert released["b"]["outcomes"] == {"kept": 19}
    assert released["only_a"] == 9


def test_a_published_dataset_opens_as_well(looked_run: Path, tmp_path: Path) -> None:
    dataset = looked_run / "6-publish" / "dataset"
    before = sorted(dataset.rglob("*"))
    look = Look(subject(dataset, tmp_path))
    look.index.refresh()
    assert look.frame.rows == 19
    assert sorted(dataset.rglob("*")) == before
    row = shown.shown(look, found(look, "split=train")[0])
    assert row["messages"][0]["role"] == "user"
    shown_blind = blind.next_row(look, "anna", [], Selection())
    asked: blind.RatingAsked = {"id": str(shown_blind["id"]), "ratings": {"pacing": 3}}
    with pytest.raises(UserError, match="this is not one"):
        blind.rate(look, {**asked, "who": "anna"})
    with pytest.raises(UserError, match="this is not one"):
        decisions.decide(look, {"id": row["id"], "action": "keep", "who": "anna"})
    assert sorted(dataset.rglob("*")) == before


# --- files


def test_an_exported_row_is_read_again_as_it_was(look: Look, tmp_path: Path) -> None:
    chosen = query.chosen_rows(look, look.frame, Selection())
    assert written(look.frame, chosen, tmp_path / "x.jsonl") == 26
    assert written(look.frame, chosen, tmp_path / "x.parquet") == 26
    assert pq.read_schema(tmp_path / "x.parquet").equals(SCHEMA)
    lines = (tmp_path / "x.jsonl").read_text("utf-8").splitlines()
    texts = [message["content"] for line in lines for message in json.loads(line)["messages"]]
    assert SCRIPT in texts
    with pytest.raises(UserError, match="the ending says"):
        written(look.frame, chosen, tmp_path / "x.xlsx")


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@x", "\tx", "=HYPERLINK(1)"])
def test_no_cell_is_a_formula(text: str) -> None:
    assert harmless(text) == f"'{text}"
    assert harmless("a = b") == "a = b"


def test_the_snapshot_holds_no_markup_of_a_text(look: Look) -> None:
    from pipeline.look.snapshot import page

    text = page(look)
    assert "<script" not in text
    assert "&lt;script&gt;alert" in text
    assert "src=" not in text
    assert "http" not in text.replace("http-equiv", "")


def test_the_database_has_every_row_and_message(look: Look, tmp_path: Path) -> None:
    import sqlite3

    from pipeline.look.database import write

    write(look, tmp_path / "run.sqlite")
    connection = sqlite3.connect(tmp_path / "run.sqlite")
    counts = "SELECT (SELECT count(*) FROM conversations), (SELECT count(*) FROM messages)"
    assert connection.execute(counts).fetchone() == (28, 26 * 6)
    (why,) = connection.execute("SELECT reason FROM conversations WHERE rule LIKE '%minor%'")
    connection.close()
    assert why == ("safety.minor",)
