"""A run whose files were removed or damaged: named in one message, never fewer or other rows in
silence."""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from pipeline import UserError
from pipeline.recipe.one_stage import of_files
from pipeline.recipe.settings import Recipe
from pipeline.run.context import Job, Progress
from pipeline.run.engine import Engine
from pipeline.run.runner import run
from pipeline.run.trace import life
from tests.rows import record, write_jsonl

ROWS = 60


@pytest.fixture(scope="module")
def recipe(tmp_path_factory: pytest.TempPathFactory) -> Recipe:
    folder = tmp_path_factory.mktemp("talks")
    talks = [record(number) for number in range(ROWS - 6)]
    doubled = [talk | {"id": f"again-{talk['id']}"} for talk in talks[:6]]
    write_jsonl(folder / "a.jsonl", talks[:20])
    write_jsonl(folder / "b.jsonl", [*talks[20:], *doubled])
    files = [str(folder / "a.jsonl"), str(folder / "b.jsonl")]
    return of_files(str(folder / "damaged"), "filter", files, ["languages=[en]"])


@pytest.fixture(scope="module")
def whole(recipe: Recipe, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run."""
    folder = tmp_path_factory.mktemp("whole") / "run"
    work(recipe, folder)
    return folder


@pytest.fixture
def folder(whole: Path, tmp_path: Path) -> Path:
    """A copy of the finished run."""
    return Path(shutil.copytree(whole, tmp_path / "run"))


def work(
    recipe: Recipe,
    folder: Path,
    first: str | None = None,
    progress: Callable[[Progress], None] = lambda progress: None,
) -> list[str]:
    """Run the recipe; the sentences that it gave notice of."""
    notices: list[str] = []
    with Engine(1) as engine:
        run(Job(recipe, str(folder), engine, progress, notices.append), first=first)
    return notices


def published(folder: Path) -> list[dict]:
    """The rows of the dataset, split by split."""
    files = sorted((folder / "6-publish" / "dataset" / "full").glob("*.parquet"))
    return [row for file in files for row in pq.read_table(file).to_pylist()]


def test_the_run_is_one_that_can_lose_something(whole: Path) -> None:
    assert len(published(whole)) == ROWS - 6


def test_a_deleted_part_is_named_with_what_to_do(recipe: Recipe, folder: Path) -> None:
    (folder / "3-filter" / "kept" / "part-00001-000.parquet").unlink()
    message = r"3-filter/kept/part-00001-000\.parquet is missing.*delete the folder .*3-filter"
    for first in (None, "dedup", "publish"):
        with pytest.raises(UserError, match=message):
            work(recipe, folder, first)
    shutil.rmtree(folder / "3-filter")
    work(recipe, folder)
    assert len(published(folder)) == ROWS - 6


def test_a_stage_that_is_deleted_is_made_again(recipe: Recipe, folder: Path, whole: Path) -> None:
    shutil.rmtree(folder / "4-dedup")
    work(recipe, folder)
    assert published(folder) == published(whole)


def test_a_deleted_dataset_is_not_reported_as_done(recipe: Recipe, folder: Path) -> None:
    shutil.rmtree(folder / "6-publish" / "dataset")
    with pytest.raises(UserError, match=r"6-publish/dataset/\S+ is missing.*6-publish"):
        work(recipe, folder)


def test_an_edited_dataset_is_not_reported_as_done(recipe: Recipe, folder: Path) -> None:
    card = folder / "6-publish" / "dataset" / "README.md"
    card.write_text(card.read_text("utf-8").replace("54", "99"), "utf-8")
    with pytest.raises(UserError, match=r"README\.md is damaged"):
        work(recipe, folder)


@pytest.mark.parametrize("stage", ["filter", "dedup", "score"])
def test_the_store_before_deleted_in_mid_run_is_no_empty_dataset(
    stage: str, recipe: Recipe, tmp_path: Path
) -> None:
    before = {"filter": "2-generate", "dedup": "3-filter", "score": "4-dedup"}[stage]

    def delete(progress: Progress) -> None:
        if progress.stage == stage and progress.done == 0:
            shutil.rmtree(tmp_path / "run" / before, ignore_errors=True)

    with pytest.raises(UserError, match=rf"{before}/\S+ is missing"):
        work(recipe, tmp_path / "run", progress=delete)


def test_the_own_store_deleted_in_mid_run_is_named(recipe: Recipe, tmp_path: Path) -> None:
    def delete(progress: Progress) -> None:
        if progress.stage == "score" and progress.done == 1:
            shutil.rmtree(tmp_path / "run" / "5-score")

    with pytest.raises(UserError, match="5-score was changed while the run was at work"):
        work(recipe, tmp_path / "run", progress=delete)
    shutil.rmtree(tmp_path / "run" / "5-score")
    work(recipe, tmp_path / "run")
    assert len(published(tmp_path / "run")) == ROWS - 6


@pytest.mark.parametrize("stage", ["1-collect", "3-filter", "4-dedup", "6-publish"])
@pytest.mark.parametrize("damage", ["cut", "flipped", "empty"])
def test_a_damaged_report_or_mark_is_named_and_the_run_goes_on(
    stage: str, damage: str, recipe: Recipe, folder: Path, whole: Path
) -> None:
    marks = sorted((folder / stage / "done").glob("*.json"))
    for path in (folder / stage / "report.json", marks[0]):
        text = path.read_text("utf-8")
        damaged = {"cut": text[:-20], "flipped": text.replace("1", "2"), "empty": ""}
        path.write_text(damaged[damage], "utf-8")
        notices = work(recipe, folder)
        assert any(f"{path.name} is damaged" in notice for notice in notices), notices
        assert published(folder) == published(whole)
        assert work(recipe, folder) == []


@pytest.mark.parametrize("text", ["", "name: [", "just words", "name: another\n", "\x00"])
def test_a_damaged_recipe_of_the_run_is_named(text: str, recipe: Recipe, folder: Path) -> None:
    (folder / "recipe.yaml").write_text(text)
    with pytest.raises(UserError, match=r"recipe\.yaml is damaged|holds the run of recipe"):
        work(recipe, folder)
    (folder / "recipe.yaml").unlink()
    (folder / "recipe.yaml").write_text(f"name: {recipe.name}\n")
    work(recipe, folder)


def test_a_damaged_signature_is_named(recipe: Recipe, folder: Path) -> None:
    path = next((folder / "4-dedup" / "signed").glob("*.arrow"))
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    (folder / "4-dedup" / "report.json").unlink()
    with pytest.raises(UserError, match=r"\.arrow is damaged.*delete the folder"):
        work(recipe, folder)


def test_a_damaged_row_is_not_shown(folder: Path) -> None:
    path = folder / "3-filter" / "kept" / "part-00000-000.parquet"
    data = bytearray(path.read_bytes())
    data[len(data) // 3] ^= 1
    path.write_bytes(data)
    with pytest.raises(UserError, match="is damaged"):
        life(str(folder), "talk-1")


FLIPS = 24  # `make test-faults` does 200


@pytest.mark.parametrize("number", range(FLIPS))
def test_no_flipped_bit_changes_the_dataset_in_silence(
    number: int, recipe: Recipe, folder: Path, whole: Path
) -> None:
    assert flip_and_run(number, recipe, folder) in (None, published(whole))


@pytest.mark.faults
def test_two_hundred_flipped_bits(recipe: Recipe, whole: Path, tmp_path: Path) -> None:
    expected, seen = published(whole), 0
    for number in range(1_000, 1_200):
        folder = Path(shutil.copytree(whole, tmp_path / "run", dirs_exist_ok=True))
        found = flip_and_run(number, recipe, folder)
        assert found in (None, expected), number
        seen += found is None
        shutil.rmtree(folder)
    assert seen > 10  # most flips hit what is made again, or is not read


def flip_and_run(number: int, recipe: Recipe, folder: Path) -> list[dict] | None:
    """Flip one bit somewhere in the run folder and run on from some stage: the dataset, None when
    it is refused."""
    chance = random.Random(number)
    files = sorted(path for path in folder.rglob("*") if path.is_file() and path.stat().st_size)
    path = chance.choices(files, [file.stat().st_size for file in files])[0]
    data = bytearray(path.read_bytes())
    data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
    path.write_bytes(data)
    first = chance.choice([None, "filter", "dedup", "score", "publish"])
    try:
        work(recipe, folder, first)
    except UserError:
        return None
    return published(folder)
