from __future__ import annotations

from pathlib import Path

import pytest

from pipeline import UserError
from pipeline.recipe.loading import bundled_recipes, find, load
from pipeline.recipe.one_stage import of_files, rehearsed
from pipeline.run.inputs import of_generate
from pipeline.texts import configs


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
    assert (
        "recipe.yaml:11: dedup.threshold: Input should be less than or equal to 1 (found 7)" in told
    )
    assert "recipe.yaml:11: dedup: stands here twice" in told


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("name: [", "recipe.yaml:1: not YAML"),
        ("- a\n- b\n", "recipe.yaml:1: a recipe is"),
        ("", "recipe.yaml:1: a recipe is"),
        ("filter: {}\n", "recipe.yaml:1: name: is missing"),
        ("name: a/b\n", "recipe.yaml:1: name: String should match pattern"),
        (
            "name: a\nseed: \x07\n",
            "recipe.yaml:2: not YAML: a character that may not stand here (U+0007)",
        ),
        (
            "name: a\nseed: 1\nfilter: {languages: [2024-13-45]}\n",
            "recipe.yaml:3: not YAML: month must be in 1..12",
        ),
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
    recipe = load(
        written(tmp_path, "name: a\ncollect: {sources: [{name: s, files: [talks.jsonl]}]}\n")
    )
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
    path = written(
        tmp_path, "name: a\nmodels: {writer: {model: big, base_url: 'https://models.example/v1'}}\n"
    )
    assert rehearsed(load(path)).models["writer"].base_url == "rehearsal"


def test_a_missing_card_and_an_unnamed_model_are_told(tmp_path: Path) -> None:
    told = mistakes(
        tmp_path,
        "name: a\ngenerate:\n  talks: 2\n  cards: [ada.png]\n  user: guest\nmodels: {writer: {model: big}}\n",
    )
    assert "recipe.yaml:4: generate.cards[1]: there is no" in told
    assert (
        "recipe.yaml:5: generate.user: there is no model `guest` under `models` (there: writer)"
        in told
    )


def test_names_that_nothing_goes_by_are_told_before_anything_is_read(tmp_path: Path) -> None:
    (tmp_path / "talks.jsonl").write_text("")
    told = mistakes(
        tmp_path,
        """name: a
collect:
  sources:
    - {name: one, files: [talks.jsonl], shape: mesages}
    - {name: one, files: [talks.jsonl]}
    - name: wiki
      spider: mediawick
dedup:
  sources: [won, generated]
  against: [talk.jsonl, 'hub:anna/talks']
publish:
  cut:
    turns: {min: 4}
    qestions: {min: 0.1}
""",
    )
    assert "recipe.yaml has 6 mistakes:" in told
    assert (
        "recipe.yaml:4: collect.sources[1].shape: there is no shape `mesages`; did you mean `messages`?"
        in told
    )
    assert "recipe.yaml:5: collect.sources[2].name: there is a source `one` already" in told
    assert (
        "recipe.yaml:7: collect.sources[3].spider: there is no spider `mediawick`; did you mean `mediawiki`?"
        in told
    )
    assert "recipe.yaml:9: dedup.sources[1]: there is no source `won`; did you mean `one`?" in told
    assert "recipe.yaml:10: dedup.against[1]: there is no" in told
    assert (
        "recipe.yaml:14: publish.cut.qestions: there is no measure or criterion `qestions`" in told
    )
    assert "did you mean `questions`?" in told


def test_check_looks_behind_every_door_and_tells_all_of_them_with_their_lines(
    tmp_path: Path,
) -> None:
    path = written(
        tmp_path,
        """name: a
collect:
  sources:
    - {name: one, files: [nothing-*.jsonl]}
    - {name: two, spider: forum, start: [pages/index.html]}
    - {name: three, spider: forum, start: ['https://old.reddit.com/r/x'], license: MIT}
filter: {langages: [en]}
""",
    )
    (tmp_path / "pages").mkdir()
    (tmp_path / "pages" / "index.html").touch()
    with pytest.raises(UserError) as raised:
        load(path, doors=True)
    told = str(raised.value)
    assert "recipe.yaml has 4 mistakes:" in told
    assert "recipe.yaml:4: collect.sources[1]: source one: no file matches nothing-*.jsonl" in told
    assert (
        "recipe.yaml:5: collect.sources[2]: collect.sources: two: the licence is not known" in told
    )
    assert "recipe.yaml:6: collect.sources[3]: collect.sources: three: Reddit is refused" in told
    assert "recipe.yaml:7: filter.langages: unknown key" in told


def test_rows_of_an_earlier_shelf_bring_their_own_sources(tmp_path: Path) -> None:
    (tmp_path / "kept").mkdir()
    doors = "collect: {sources: [{name: a, files: [kept]}]}\n"
    assert load(
        written(tmp_path, f"name: a\n{doors}dedup: {{sources: [cafe]}}\n")
    ).dedup.sources == ["cafe"]


def test_paths_may_start_at_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "talks.jsonl").write_text("")
    (tmp_path / "ada.json").write_text("{}")
    (tmp_path / "below").mkdir()
    doors = "collect: {sources: [{name: a, files: ['~/talks.jsonl']}]}\n"
    recipe = load(
        written(tmp_path / "below", f"name: a\n{doors}generate: {{cards: ['~/ada.json']}}\n")
    )
    assert len(of_generate(recipe)["cards"]) == 1
    assert "talk.jsonl; did you mean talks.jsonl?" in mistakes(
        tmp_path / "below", f"name: a\n{doors}".replace("ks", "k")
    )


def test_cards_are_files_or_folders_and_no_patterns(tmp_path: Path) -> None:
    (tmp_path / "ada.png").touch()
    assert "recipe.yaml:2: generate.cards[1]: there is no" in mistakes(
        tmp_path, "name: a\ngenerate: {cards: ['*.png']}\n"
    )


def test_a_rule_is_switched_off_by_a_bare_off() -> None:
    recipe = of_files(
        "out", "filter", ["a.jsonl"], ["rules.language.admitted.decision=off", "languages=[en]"]
    )
    assert "language.admitted" not in recipe.filter.limits()


@pytest.mark.parametrize(
    ("setting", "told"),
    [
        ("languages=[en", "--set languages=[en: not YAML"),
        ("languages", "--set languages: write KEY=VALUE"),
        ("languages.en=1", "--set languages.en=1: write KEY=VALUE"),
        ("languages=2024-13-45", "not YAML: month must be"),
    ],
)
def test_a_setting_that_cannot_be_read_is_told(setting: str, told: str) -> None:
    with pytest.raises(UserError) as raised:
        of_files("out", "filter", ["a.jsonl"], ["languages=[en]", setting])
    assert told in str(raised.value)


def test_a_folder_may_have_any_name() -> None:
    assert of_files("my out", "filter", ["a.jsonl"], []).name == "my-out"
    assert of_files("…", "filter", ["a.jsonl"], []).name == "files"


def test_each_input_of_a_command_is_a_source_of_its_own(tmp_path: Path) -> None:
    inputs = (
        "talks/mine.jsonl.gz",
        "other/mine.jsonl",
        "s3://bucket/chats/",
        "logs/*.csv",
        "mine-2.json",
        ".",
    )
    sources = of_files("a", "filter", inputs, []).collect.sources
    assert [s.name for s in sources] == ["mine", "mine-2", "chats", "logs", "mine-2-2", "input"]
    assert [s.files for s in sources] == [[path] for path in inputs]
