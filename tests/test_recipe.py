from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.alone import of_files
from pipeline.recipe import UserError, bundled_recipes, configs, find, load, rehearsed


def written(folder: Path, text: str) -> Path:
    path = folder / "recipe.yaml"
    path.write_text(text, "utf-8")
    return path


def mistakes(folder: Path, text: str) -> str:
    with pytest.raises(UserError) as raised:
        load(written(folder, text))
    return str(raised.value)


def test_every_mistake_is_told_at_once_with_line_key_and_spelling(tmp_path: Path) -> None:
    (tmp_path / "talks.jsonl").write_text("")
    told = mistakes(
        tmp_path,
        """name: mine
collect:
  sources:
    - name: one
      fils: [talks.jsonl]
      files: [talk.jsonl]
filter:
  languages: en
dedup: {threshold: 0.7}
publsh: {}
dedup: {threshold: 7}
""",
    )
    assert "recipe.yaml has 6 mistakes:" in told
    assert "recipe.yaml:5: collect.sources[1].fils: unknown key; did you mean `files`?" in told
    assert "recipe.yaml:6: collect.sources[1].files[1]: there is no" in told
    assert "did you mean talks.jsonl?" in told
    assert "recipe.yaml:8: filter.languages:" in told
    assert "recipe.yaml:10: publsh: unknown key; did you mean `publish`?" in told
    assert "recipe.yaml:11: dedup.threshold: Input should be less than or equal to 1 (found 7)" in told
    assert "recipe.yaml:11: dedup: stands here twice" in told


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("name: [", "recipe.yaml:1: not YAML"),
        ("- a\n- b\n", "recipe.yaml:1: a recipe is"),
        ("", "recipe.yaml:1: a recipe is"),
        ("filter: {}\n", "recipe.yaml:1: name: is missing"),
        ("name: a/b\n", "recipe.yaml:1: name: String should match pattern"),
    ],
)
def test_what_is_no_recipe_is_told_in_one_line(tmp_path: Path, text: str, told: str) -> None:
    assert told in mistakes(tmp_path, text)


def test_a_recipe_in_another_encoding_is_told(tmp_path: Path) -> None:
    path = tmp_path / "recipe.yaml"
    path.write_bytes("name: café\n".encode("latin-1"))
    with pytest.raises(UserError, match="byte 9 is not UTF-8"):
        load(path)


def test_relative_paths_start_at_the_recipe(tmp_path: Path) -> None:
    (tmp_path / "talks.jsonl").write_text("")
    recipe = load(written(tmp_path, "name: a\ncollect: {sources: [{name: s, files: [talks.jsonl]}]}\n"))
    assert recipe.folder == tmp_path.resolve()


@pytest.mark.parametrize("path", bundled_recipes(), ids=lambda path: path.name)
def test_bundled_recipes_have_no_mistakes(path: Path) -> None:
    if "../shared" in path.read_text() and not (configs().parents[1] / "shared" / "data").is_dir():
        pytest.skip("the shared data sets are not beside this checkout")
    load(path)


def test_a_misspelt_recipe_name_is_answered_with_the_nearest() -> None:
    with pytest.raises(UserError, match="Did you mean quickstart"):
        find("quikstart")


def test_one_rooms_settings_are_checked_like_a_recipe() -> None:
    assert of_files("out", "dedup", ["a.jsonl"], ["threshold=0.8"]).dedup.threshold == 0.8
    with pytest.raises(UserError, match="treshold: unknown key; did you mean `threshold`"):
        of_files("out", "dedup", ["a.jsonl"], ["treshold=0.8"])


def test_a_rehearsed_recipe_asks_no_real_model(tmp_path: Path) -> None:
    path = written(tmp_path, "name: a\nmodels: {writer: {model: big, base_url: 'https://models.example/v1'}}\n")
    assert rehearsed(load(path)).models["writer"].base_url == "rehearsal"


def test_a_missing_card_and_an_unnamed_model_are_told(tmp_path: Path) -> None:
    told = mistakes(
        tmp_path, "name: a\ngenerate:\n  talks: 2\n  cards: [ada.png]\n  user: guest\nmodels: {writer: {model: big}}\n"
    )
    assert "recipe.yaml:4: generate.cards[1]: there is no" in told
    assert "recipe.yaml:5: generate.user: there is no model `guest` under `models` (there: writer)" in told


def test_each_input_of_a_command_is_a_source_of_its_own() -> None:
    inputs = ("talks/mine.jsonl.gz", "other/mine.jsonl", "s3://bucket/chats/", "logs/*.csv", "mine-2.json", ".")
    sources = of_files("a", "filter", inputs, []).collect.sources
    assert [s.name for s in sources] == ["mine", "mine-2", "chats", "logs", "mine-2-2", "input"]
    assert [s.files for s in sources] == [[path] for path in inputs]
