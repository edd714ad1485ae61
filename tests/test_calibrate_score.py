"""`rapport calibrate score`: how far scorers agree with people, and what a card says of it."""

from __future__ import annotations

import json
import math
import random
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks import score_usr
from pipeline.conversation import Conversation, Language, Message, Score
from pipeline.score.calibrate import LENGTH, NOBODY, RATERS, calibrate
from pipeline.score.certainty import averaged, ceiling, interval, ranks, spearman
from pipeline.score.ratings import rated
from pipeline.store.agreement import Agreement, Agreements, Interval, read
from pipeline.store.columns import to_table
from tests.conftest import Rapport
from tests.rows import conversation, record, talk, write_jsonl
from tests.servers.model import serving

PAIRS = st.lists(st.tuples(st.integers(-5, 5), st.integers(-5, 5)), min_size=3, max_size=25)
CLIMBING: tuple[Callable[[float], float], ...] = (
    lambda value: 3 * value + 7,
    lambda value: value**3,
    lambda value: math.exp(value / 2),
)


# --- rank correlation and intervals


def naive_ranks(values: Sequence[float]) -> list[float]:
    """By counting: the places that equal values take, averaged."""
    found = []
    for value in values:
        below = sum(other < value for other in values)
        same = sum(other == value for other in values)
        found.append(below + (same + 1) / 2)
    return found


def naive_spearman(pairs: Sequence[tuple[float, float]]) -> float | None:
    first, second = (naive_ranks(side) for side in zip(*pairs, strict=True))
    middle = (len(pairs) + 1) / 2
    both = sum((a - middle) * (b - middle) for a, b in zip(first, second, strict=True))
    alone = [sum((rank - middle) ** 2 for rank in side) for side in (first, second)]
    return both / math.sqrt(alone[0] * alone[1]) if all(alone) else None


@given(st.lists(st.integers(-5, 5), min_size=1))
def test_equal_values_share_the_mean_of_their_places(values: list[int]) -> None:
    assert ranks(np.array(values, float)).tolist() == naive_ranks(values)


@given(PAIRS)
def test_the_correlation_is_that_of_ranks(pairs: list[tuple[int, int]]) -> None:
    found, expected = spearman(np.array(pairs, float)), naive_spearman(pairs)
    assert (found is None) == (expected is None)
    if found is not None:
        assert found == pytest.approx(expected, abs=1e-12)


@given(PAIRS, st.sampled_from(CLIMBING), st.sampled_from(CLIMBING))
def test_another_scale_in_the_same_order_changes_nothing(
    pairs: list[tuple[int, int]], first: Callable[[float], float], second: Callable[[float], float]
) -> None:
    rescaled = [(first(a), second(b)) for a, b in pairs]
    assert spearman(np.array(rescaled)) == spearman(np.array(pairs, float))


@settings(max_examples=20)
@given(PAIRS)
def test_an_interval_holds_its_value_and_is_always_the_same(pairs: list[tuple[int, int]]) -> None:
    rows = [np.array(pairs, float)]
    found = interval(partial(averaged, spearman), rows)
    if found is not None:
        assert -1 <= found.low <= found.value <= found.high <= 1
    assert found == interval(partial(averaged, spearman), rows)


def test_an_interval_is_as_wide_as_theory_has_it() -> None:
    """Fisher's z with the variance of Bonett and Wright (2000), on normal values."""
    chance = np.random.default_rng(1)
    first = chance.normal(size=300)
    pairs = np.column_stack([first, first + 1.5 * chance.normal(size=300)])
    found = interval(partial(averaged, spearman), [pairs])
    assert found is not None
    z = math.atanh(found.value)
    half = 1.96 * math.sqrt((1 + found.value**2 / 2) / (300 - 3))
    assert found.low == pytest.approx(math.tanh(z - half), abs=0.03)
    assert found.high == pytest.approx(math.tanh(z + half), abs=0.03)


def test_raters_who_agree_have_a_high_ceiling_and_gaps_are_no_marks() -> None:
    marks = np.array([[n, n + 0.5, math.nan] for n in range(9)])
    assert ceiling(marks) == 1.0
    assert ceiling(np.array([[n, 8.0 - n] for n in range(9)])) == -1.0
    assert ceiling(np.array([[float(n)] for n in range(9)])) is None


# --- scorers of made-up rows


def rated_row(
    number: int,
    system: str,
    ratings: dict[str, object],
    *scores: Score,
    field: str = "system_id",
) -> Conversation:
    extra = json.dumps({"ratings": ratings, field: system})
    row = conversation(number, language=Language("en", 0.9), extra=extra)
    return replace(row, scores=scores)


def rows_of_two_systems(each: int = 30) -> list[Conversation]:
    """`good` ranks as people do, `system` knows only who wrote, `noise` knows nothing; `silent`
    says nothing of half the rows."""
    chance, found = random.Random(2), []
    for number, (system, _) in enumerate(product("ab", range(each))):
        base = 2.0 if system == "a" else 4.0
        said = base + chance.uniform(-1, 1)
        known = {
            "good": said + chance.uniform(-0.5, 0.5),
            "system": base + chance.uniform(-0.01, 0.01),
            "noise": chance.uniform(1, 5),
            "silent": said if number % 2 else None,
        }
        scores = [Score("engaging", value, by) for by, value in known.items()]
        raters = [said, said + chance.uniform(-0.3, 0.3), None]
        found.append(rated_row(number, system, {"engaging": raters, "charm": 3}, *scores))
    return found


def by_scorer(found: Agreements) -> dict[str, Agreement]:
    return {one.by: one for one in found.found if one.criterion == "engaging"}


def test_only_what_agrees_within_systems_is_called_useful() -> None:
    found = by_scorer(calibrate([*rated(rows_of_two_systems())]))
    verdicts = {by: one.verdict for by, one in found.items()}
    assert verdicts.pop("silent") == "useful"
    assert verdicts == {
        "good": "useful",
        "system": "not shown",
        "noise": "not shown",
        LENGTH: None,
        RATERS: None,
    }
    pooled, within = found["system"].pooled, found["system"].within
    assert pooled is not None
    assert within is not None
    assert pooled.low > 0.5
    assert within.holds_zero
    assert (found["good"].n, found["good"].nulls, found["good"].groups) == (60, 0, 2)
    assert (found["silent"].n, found["silent"].nulls) == (30, 30)
    assert found[RATERS].within is not None
    assert found[RATERS].within.value > 0.9


def test_few_rows_are_too_few_and_small_systems_do_not_count_within() -> None:
    rows = rows_of_two_systems()
    assert by_scorer(calibrate([*rated(rows[:19])]))["good"].verdict == "too few"
    scattered = [
        replace(row, extra=json.dumps({**json.loads(row.extra or ""), "system_id": number // 4}))
        for number, row in enumerate(rows)
    ]
    found = by_scorer(calibrate([*rated(scattered)]))["good"]
    assert (found.n, found.groups, found.within, found.verdict) == (60, 0, None, "too few")


def test_a_scorer_that_always_says_the_same_is_not_useful() -> None:
    rows = [rated_row(n, "a", {"safe": n % 5 + 1}, Score("safe", 5.0, "rules")) for n in range(40)]
    found = {one.by: one for one in calibrate([*rated(rows)]).found}
    assert (found["rules"].pooled, found["rules"].verdict) == (None, "not shown")


def test_within_is_the_mean_over_systems_by_their_rows() -> None:
    rows = rows_of_two_systems()[:45]  # 30 of a, 15 of b
    found = by_scorer(calibrate([*rated(rows)]))["good"]
    alone = [
        by_scorer(calibrate([*rated(rows[part])]))["good"].pooled
        for part in (slice(0, 30), slice(30, 45))
    ]
    assert found.within is not None
    first, second = (one.value for one in alone if one)
    assert found.within.value == pytest.approx((30 * first + 15 * second) / 45)


def test_without_a_system_rows_are_compared_within_their_source() -> None:
    rows = [replace(row, extra=json.dumps({"ratings": {"engaging": 3}})) for row in
            rows_of_two_systems(3)]  # fmt: skip
    assert {one.group for one in rated(rows)} == {"tests"}
    assert {one.group for one in rated(rows_of_two_systems(3))} == {"a", "b"}
    named = [rated_row(1, "gpt", {"safe": 1}, field="bot")]
    assert [one.group for one in rated(named, system="bot")] == ["gpt"]
    assert [one.group for one in rated(named)] == ["tests"]


# --- the command line


def written(path: Path, rows: Sequence[Conversation]) -> Path:
    pq.write_table(to_table(rows), path)
    return path


def test_the_table_has_a_verdict_for_each_scorer(tmp_path: Path, rapport: Rapport) -> None:
    path = written(tmp_path / "rated.parquet", rows_of_two_systems())
    code, out, _ = rapport("calibrate", "score", path)
    assert code == 0
    lines = [line.split() for line in out.splitlines()]
    verdicts = {words[1]: words[-1] for words in lines if words[:1] == ["engaging"]}
    assert verdicts["good"] == "useful"
    assert verdicts["noise"] == "shown"
    assert "60 rated conversations of tests." in out
    assert "Rated, and no criterion: charm." in out


def test_a_scorer_that_says_less_than_length_is_named(tmp_path: Path, rapport: Rapport) -> None:
    rows = [
        replace(row, messages=(Message("assistant", "word " * int(100 * said)),))
        for row, said in ((row, row.scores[3].value or 3.0) for row in rows_of_two_systems())
    ]
    out = rapport("calibrate", "score", written(tmp_path / "r.parquet", rows))[1]
    (line,) = [line for line in out.splitlines() if line.startswith("Length alone")]
    assert "engaging by noise" in line
    assert "engaging by good" not in line


def test_ratings_of_a_foreign_file_come_through(tmp_path: Path, rapport: Rapport) -> None:
    records = [
        record(n) | {"ratings": {"human_like": [n % 5, n % 5 + 1]}, "system_id": f"bot {n % 2}"}
        for n in range(40)
    ]
    code, out, _ = rapport(
        "calibrate", "score", write_jsonl(tmp_path / "r.jsonl", records), "--json"
    )
    assert code == 0
    found: dict[str, Any] = json.loads(out)
    assert (found["rows"], found["sources"]) == (40, ["r"])
    rows = {one["by"]: one for one in found["found"]}
    assert (rows[NOBODY]["n"], rows[NOBODY]["nulls"]) == (0, 40)
    assert rows[NOBODY]["verdict"] == "too few"
    assert (rows[LENGTH]["n"], rows[LENGTH]["groups"]) == (40, 2)
    assert rows[RATERS]["pooled"]["value"] == pytest.approx(1.0)


def test_a_judge_is_shown_where_rows_have_its_scores(tmp_path: Path, rapport: Rapport) -> None:
    records = [
        record(n, [*talk(n)[:3], f"{talk(n)[3]} ({n % 5 + 1} of 5)"])
        | {"ratings": {"engaging": n % 5 + 1}}
        for n in range(24)
    ]
    path, out = write_jsonl(tmp_path / "r.jsonl", records), tmp_path / "out"
    with serving(answers="tests.servers.judging:honest") as server:
        words = ("--judge", "critic-1", "--base-url", server.url)
        only = ("--set", "judge.criteria=[engaging]")
        assert rapport("score", path, "--out", out, *words, *only)[0] == 0
    code, shown, _ = rapport("calibrate", "score", out / "5-score" / "kept", "--json")
    assert code == 0
    found = {one["by"]: one for one in json.loads(shown)["found"]}
    assert found["critic-1"]["within"]["value"] == pytest.approx(1.0)
    assert (found["critic-1"]["n"], found["critic-1"]["verdict"]) == (24, "useful")


def test_fields_of_other_names_are_named(tmp_path: Path, rapport: Rapport) -> None:
    records = [
        record(n) | {"marks": {"safe": n % 5 + 1}, "writer": f"bot {n % 3}"} for n in range(30)
    ]
    path = write_jsonl(tmp_path / "r.jsonl", records)
    code, out, err = rapport("calibrate", "score", path)
    assert (code, out) == (1, "")
    assert "No record has ratings in a field `ratings`" in err
    words = ("--ratings", "marks", "--system", "writer", "--json")
    code, out, _ = rapport("calibrate", "score", path, *words)
    assert code == 0
    assert {one["groups"] for one in json.loads(out)["found"] if one["by"] == LENGTH} == {3}
    code, _, err = rapport("calibrate", "score", path, "--ratings", "marks", "--system", "bot")
    assert code == 1
    assert "No rated record has a field `bot` that nothing else is read from" in err


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"safe": "high"}, "r.jsonl#1: ratings.safe is 'high'; a rating is a number"),
        ({"safe": [3, True]}, "r.jsonl#1: ratings.safe is True; a rating is a number"),
        ([3, 4], "r.jsonl#1: `ratings` must hold a value for each criterion"),
    ],
)  # fmt: skip
def test_ratings_that_are_no_numbers_are_named(
    tmp_path: Path, rapport: Rapport, given: object, message: str
) -> None:
    path = write_jsonl(tmp_path / "r.jsonl", [record(1) | {"ratings": given}])
    code, out, err = rapport("calibrate", "score", path)
    assert (code, out) == (1, "")
    assert message in err


@pytest.mark.skipif(not score_usr.DATA.is_dir(), reason="usr_topical_chat is not there")
def test_rated_replies_become_rows_with_the_reply_last() -> None:
    rows = [*score_usr.replies()]
    assert len(rows) == 360
    assert {row.messages[-1].role for row in rows} == {"assistant"}
    marks = [mark for one in rated(rows) for given in one.ratings.values() for mark in given]
    assert (min(marks), max(marks)) == (1, 5)
    assert len({one.group for one in rated(rows)}) == 6


# --- on the card


def published(folder: Path, rapport: Rapport, calibration: Path) -> tuple[int, str, str]:
    """The exit code, the card and what was complained of."""
    rows = written(folder / "rows.parquet", rows_of_two_systems(4))
    recipe = folder / "recipe.yaml"
    sources = [{"name": "mine", "files": [str(rows)], "license": "MIT"}]
    values = {"name": "mine", "collect": {"sources": sources}}
    values |= {"publish": {"calibration": str(calibration)}}
    recipe.write_text(json.dumps(values | {"filter": {"languages": ["en"]}}))
    code, _, err = rapport("run", recipe, "--out", folder / "out")
    card = folder / "out" / "6-publish" / "dataset" / "README.md"
    return code, card.read_text("utf-8") if card.is_file() else "", err


def test_the_card_prints_what_the_recipe_names(tmp_path: Path, rapport: Rapport) -> None:
    path, found = written(tmp_path / "r.parquet", rows_of_two_systems()), tmp_path / "found.json"
    assert rapport("calibrate", "score", path, "--out", found)[0] == 0
    code, card, err = published(tmp_path, rapport, found)
    assert code == 0, err
    heads = [line for line in card.splitlines() if line.startswith("## ")]
    scores = heads.index("## Scores, from 1 to 5")
    assert heads[scores + 1] == "## How far scorers agree with people"
    said = card.partition("## How far scorers agree")[2]
    assert "on 60 conversations that people have rated (tests)" in said
    rows = [line for line in said.splitlines() if line.startswith("| engaging | noise | 60 | 0 |")]
    assert len(rows) == 1
    assert rows[0].endswith("| not shown |")
    silent = next(line for line in card.splitlines() if line.startswith("| engaging | silent |"))
    assert silent.startswith("| engaging | silent | 4 | 4 |")


def test_another_calibration_makes_the_card_anew(tmp_path: Path, rapport: Rapport) -> None:
    rows, found = rows_of_two_systems(), tmp_path / "found.json"
    for count in (60, 40):
        path = written(tmp_path / "r.parquet", rows[:count])
        assert rapport("calibrate", "score", path, "--out", found)[0] == 0
        card = published(tmp_path, rapport, found)[1]
        assert f"on {count} conversations that people have rated" in card


def test_a_file_that_is_none_is_named(tmp_path: Path, rapport: Rapport) -> None:
    code, card, err = published(tmp_path, rapport, tmp_path / "none.json")
    assert (code, card) == (1, "")
    assert "publish.calibration: there is no" in err
    wrong = tmp_path / "wrong.json"
    wrong.write_text('{"found": [{"criterion": 3}]}')
    code, card, err = published(tmp_path, rapport, wrong)
    assert (code, card) == (1, "")
    assert "wrong.json does not say how far scorers agree with people. Name a file that" in err


def test_what_is_written_is_what_is_read(tmp_path: Path, rapport: Rapport) -> None:
    found = tmp_path / "found.json"
    path = written(tmp_path / "r.parquet", rows_of_two_systems(10))
    rapport("calibrate", "score", path, "--out", found)
    agreements = read(found)
    assert agreements.rows == 20
    assert isinstance(agreements.found[0].pooled, Interval)
    code, _, err = rapport("calibrate", "score", path, "--out", tmp_path / "no" / "found.json")
    assert code == 1
    assert "found.json cannot be written: No such file or directory." in err
