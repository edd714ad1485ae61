"""Rows that are taken down: gone from every config, from now on, and nothing else changes."""

from __future__ import annotations

import hashlib
import shutil
from dataclasses import replace
from pathlib import Path

import pyarrow.parquet as pq
import pytest
import yaml
from click.testing import CliRunner

from pipeline import UserError
from pipeline.cli import cli
from pipeline.conversation import Conversation, Message, Persona
from pipeline.publish import files, taken_down
from pipeline.publish.compare import compared, published
from pipeline.recipe.publish import TakenDown
from pipeline.run.reports import reports
from pipeline.store.store import Store
from tests.rows import conversation


def named(number: int) -> Conversation:
    """A row with speakers; Mira has written in one of ten."""
    row = conversation(number, split_group=f"thread {number}")
    who = ("Mira" if number % 10 == 3 else f"User {number}", "Jonas")
    messages = tuple(Message(m.role, m.content, who[n % 2]) for n, m in enumerate(row.messages))
    return replace(row, messages=messages, source=row.source._replace(name=f"site {number % 4}"))


@pytest.fixture
def small_files(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "SHARD_ROWS", 10)


def rapport(*words: object) -> tuple[int, str]:
    done = CliRunner().invoke(cli, [*map(str, words)], catch_exceptions=True)
    if isinstance(done.exception, UserError):
        return 1, str(done.exception)
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    return done.exit_code, done.output


@pytest.fixture
def recipe(tmp_path: Path, small_files: None, request: pytest.FixtureRequest) -> Path:
    """A recipe on 60 rows that has run into `out`; its section `publish` may be a parameter."""
    Store(tmp_path, "in").write("00000-000", "key", map(named, range(60)))
    values = {
        "name": "mine",
        "collect": {"sources": [{"name": "in", "files": ["in/kept/*.parquet"], "license": "MIT"}]},
        "filter": {"languages": []},
        "dedup": {"only_report": True},
        "publish": getattr(request, "param", {}),
    }
    (tmp_path / "recipe.yaml").write_text(yaml.safe_dump(values))
    run(tmp_path / "recipe.yaml")
    return tmp_path / "recipe.yaml"


def run(recipe: Path) -> None:
    code, said = rapport("run", recipe, "--out", recipe.parent / "out", "--workers", 1)
    assert code == 0, said


def ids(out: Path, config: str = "full") -> dict[str, set[str]]:
    """The rows of every file of a config."""
    folder = out / "6-publish" / "dataset"
    return {
        str(path.relative_to(folder)): set(pq.read_table(path)["id"].to_pylist())
        for path in sorted((folder / config).glob("*.parquet"))
    }


def every(found: dict[str, set[str]]) -> set[str]:
    return set().union(*found.values())


def gone_from(old: Path, out: Path) -> set[str]:
    """The ids that a release had and another has not."""
    paths = (old / "full").glob("*.parquet")
    had = {name for path in paths for name in pq.read_table(path)["id"].to_pylist()}
    return had - every(ids(out))


def digests(out: Path) -> dict[str, str]:
    folder = out / "6-publish" / "dataset"
    paths = sorted(folder.rglob("*.parquet"))
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in paths
    }


CHOOSING = {"choose": {"by": ["questions: up"], "top": 0.8}}


@pytest.mark.parametrize("recipe", [CHOOSING], indirect=True)
def test_rows_go_from_their_files_and_stay_away_in_every_later_run(recipe: Path) -> None:
    out = recipe.parent / "out"
    before, held = digests(out), {config: ids(out, config) for config in ("default", "full")}
    author = {row.id for row in map(named, range(60)) if row.messages[0].name == "Mira"}
    (first,) = [path for path in held["full"] if path.startswith("full/test")][:1]
    one = sorted(held["full"][first] - author)[0]
    given = {row.id for row in Store(out, "5-score").rows()}
    meant = {one, *(author & given)}  # one of them was not chosen
    gone = meant & every(held["full"])
    assert len(meant) > len(gone) > 3
    code, said = rapport("forget", out / "6-publish" / "dataset", "--id", one, "--author", "mira")
    assert code == 0, said
    assert f"{len(meant)} rows are taken down" in said
    after = digests(out)
    for config, files_of in held.items():
        changed = {name for name in before if before[name] != after.get(name)}
        own = {name for name in changed if name.startswith(f"{config}/")}
        assert own == {name for name, found in files_of.items() if found & gone}
        assert len(own) < len(files_of)
        assert every(ids(out, config)) == every(files_of) - gone
    for name in meant:
        code, said = rapport("why", out, name)
        assert "drop publish.taken_down" in said
    card = (out / "6-publish" / "dataset" / "README.md").read_text()
    assert f"| publish | publish.taken_down | {len(meant)} |" in card
    assert f"in this and all later versions: {len(meant)} rows" in card
    assert "Mira" not in card

    finished = reports(str(out))[-1]["finished"]
    run(recipe)  # the same recipe, which knows nothing of it
    assert reports(str(out))[-1]["finished"] == finished
    values = yaml.safe_load(recipe.read_text()) | {"publish": {"test": 0.1}}
    recipe.write_text(yaml.safe_dump(values))
    run(recipe)
    assert not every(ids(out)) & gone


def test_a_release_is_compared_with_the_one_before(recipe: Path, tmp_path: Path) -> None:
    out = recipe.parent / "out"
    before = digests(out)
    code, said = rapport("forget", out, "--author", "Nobody")
    assert (code, digests(out)) == (1, before)
    assert "--author Nobody: no row of" in said
    assert rapport("forget", out)[0] == 2
    assert "There is no run in" in rapport("forget", recipe.parent / "in", "--id", "x")[1]
    assert not (out / "taken_down.json").exists()

    old = tmp_path / "old"
    shutil.copytree(out / "6-publish" / "dataset", old)
    code, said = rapport("forget", out, "--source", "site 1")
    assert code == 0, said
    found = compared(published(str(old)), published(str(out)))
    gone = found.rows[0] - found.rows[1]
    assert gone > 10
    assert (found.came, found.went) == ({}, {"publish: publish.taken_down": gone})
    assert set(found.changed.values()) == {0}
    back = compared(published(str(out)), published(str(old)))
    assert back.came == {"publish: publish.taken_down": gone}
    code, said = rapport("compare", old, out, "--released")
    assert f"went: {gone}" in said
    assert rapport("compare", tmp_path, out, "--released")[0] == 1

    dropped = list(Store(out, "6-publish").rows("dropped"))
    assert dropped
    assert not any(row.messages for row in dropped)
    gone_ids = gone_from(old, out)
    words = [row.messages[1].content for row in map(named, range(60)) if row.id in gone_ids]
    assert len(words) == gone
    texts = [
        str(pq.read_table(path).to_pylist()) for path in (out / "6-publish").rglob("*.parquet")
    ]
    assert not [one for one in words for text in texts if one in text]


@pytest.mark.parametrize(
    ("wanted", "fits"),
    [
        (TakenDown(id="0000000000000003"), True),
        (TakenDown(id="0000000000000003-2"), True),  # a window of it
        (TakenDown(id="talk-3"), True),
        (TakenDown(id="000000000000000"), False),
        (TakenDown(source="tests"), True),
        (TakenDown(source="talks.jsonl#3"), True),
        (TakenDown(source="test"), False),
        (TakenDown(author="MIRA"), True),
        (TakenDown(author="Mir"), False),
        (TakenDown(match="small DEFEATS"), True),
        (TakenDown(match="secret garden"), True),
        (TakenDown(match="large defeats"), False),
        (TakenDown(), False),
    ],
)
def test_a_row_is_meant_by_id_source_author_or_words(wanted: TakenDown, fits: bool) -> None:
    row = conversation(3)
    row = replace(
        row,
        messages=(Message("user", row.messages[0].content, "Mira"), *row.messages[1:]),
        source=row.source._replace(record="talk-3"),
        persona=Persona("Ada", "Keeps a secret garden."),
    )
    assert taken_down.fits(row, wanted) is fits
