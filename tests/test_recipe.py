"""Recipes: how they are found and read, and what a user is told about each mistake."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import BaseModel, ValidationError

from pipeline import UserError
from pipeline.recipe import reference
from pipeline.recipe.base import settings_in
from pipeline.recipe.filter import FilterSettings
from pipeline.recipe.loading import bundled_recipes, find, from_values, load
from pipeline.recipe.mistakes import WORDS
from pipeline.recipe.one_stage import of_files, rehearsed
from pipeline.recipe.settings import Recipe
from pipeline.run.inputs import of_generate
from pipeline.texts import configs

RECIPES = Path(__file__).parents[1] / "benchmarks" / "recipes"


def written(folder: Path, text: str) -> Path:
    path = folder / "recipe.yaml"
    path.write_text(text, "utf-8")
    return path


def mistakes(folder: Path, text: str) -> str:
    with pytest.raises(UserError) as raised:
        load(written(folder, text))
    return str(raised.value)


def test_every_mistake_is_reported_at_once_with_line_key_and_spelling(tmp_path: Path) -> None:
    (tmp_path / "talks.jsonl").write_text("")
    report = mistakes(
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
    assert "recipe.yaml has 6 mistakes:" in report
    assert (
        "recipe.yaml:5: collect.sources[1].fils: unknown key; did you mean `files` or `fields`?"
        in report
    )
    assert "recipe.yaml:6: collect.sources[1].files[1]: there is no" in report
    assert "did you mean talks.jsonl?" in report
    assert "recipe.yaml:8: filter.languages:" in report
    assert "recipe.yaml:10: publsh: unknown key; did you mean `publish`?" in report
    assert "recipe.yaml:11: dedup.threshold: must be 1 or less (found 7)" in report
    assert "recipe.yaml:11: dedup: stands here twice" in report


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("name: [", "recipe.yaml:1: not YAML"),
        ("- a\n- b\n", "recipe.yaml:1: a recipe is"),
        ("", "recipe.yaml:1: a recipe is"),
        ("filter: {}\n", "recipe.yaml:1: name: is missing"),
        (
            "name: a\nseed: \x07\n",
            "recipe.yaml:2: not YAML: a character that YAML does not allow (U+0007)",
        ),
        (
            "name: a\nseed: 1\nfilter: {languages: [2024-13-45]}\n",
            "recipe.yaml:3: not YAML: month must be in 1..12",
        ),
        ("name: a\nmodels: &x {w: *x}\n", "recipe.yaml:2: not YAML: an alias stands inside"),
        ("name: a\nx: " + "[" * 2000 + "]" * 2000, "recipe.yaml:1: not YAML: sections are nested"),
        ("name: a\n---\nname: b\n", "recipe.yaml:2: not YAML"),
    ],
)
def test_a_text_that_is_not_a_recipe_is_reported_in_one_line(
    tmp_path: Path, text: str, problem: str
) -> None:
    report = mistakes(tmp_path, text)
    assert problem in report
    assert len(report.splitlines()) == (2 if "has 1 mistake" in report else 1)


def test_a_recipe_in_another_encoding_is_reported(tmp_path: Path) -> None:
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
def test_bundled_recipes_need_nothing_but_what_is_bundled(path: Path) -> None:
    load(path)


@pytest.mark.parametrize("path", sorted(RECIPES.glob("*.yaml")), ids=lambda path: path.name)
def test_recipes_of_benchmarks_have_no_mistakes(path: Path) -> None:
    if not (configs().parents[1] / "shared" / "data").is_dir():
        pytest.skip("the shared data sets are not beside this checkout")
    load(path)


def test_a_misspelt_recipe_name_is_answered_with_the_nearest() -> None:
    with pytest.raises(UserError, match="Did you mean quickstart"):
        find("quikstart")


def test_settings_of_one_stage_are_checked_like_a_recipe() -> None:
    assert of_files("out", "dedup", ["a.jsonl"], ["threshold=0.8"]).dedup.threshold == 0.8
    with pytest.raises(UserError, match="treshold: unknown key; did you mean `threshold`"):
        of_files("out", "dedup", ["a.jsonl"], ["treshold=0.8"])


def test_a_rehearsed_recipe_asks_no_real_model(tmp_path: Path) -> None:
    path = written(
        tmp_path, "name: a\nmodels: {writer: {model: big, base_url: 'https://models.example/v1'}}\n"
    )
    assert rehearsed(load(path)).models["writer"].base_url == "rehearsal"


def test_a_missing_card_and_an_unnamed_model_are_reported(tmp_path: Path) -> None:
    generate = "generate:\n  talks: 2\n  cards: [ada.png]\n  user: guest\n"
    report = mistakes(tmp_path, f"name: a\n{generate}models: {{writer: {{model: big}}}}\n")
    assert "recipe.yaml:4: generate.cards[1]: there is no" in report
    assert (
        "recipe.yaml:5: generate.user: there is no model `guest` under `models` (there: writer)"
        in report
    )


def test_unknown_names_are_reported_before_anything_is_read(tmp_path: Path) -> None:
    (tmp_path / "talks.jsonl").write_text("")
    report = mistakes(
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
    assert report.splitlines()[0].endswith("recipe.yaml has 6 mistakes:")
    assert ":4: collect.sources[1].shape: there is no shape `mesages`; did you mean `m" in report
    assert ":5: collect.sources[2].name: there is a source `one` already" in report
    assert ":7: collect.sources[3].spider: there is no spider `mediawick`; did you mean" in report
    assert ":9: dedup.sources[1]: there is no source `won`; did you mean `one`?" in report
    assert ":10: dedup.against[1]: there is no" in report
    assert ":14: publish.cut.qestions: there is no measure or criterion `qestions`" in report
    assert "did you mean `questions` or" in report


def test_check_opens_every_source_and_reports_all_mistakes_with_their_lines(
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
        load(path, sources=True)
    report = str(raised.value)
    assert "recipe.yaml has 4 mistakes:" in report
    assert ":4: collect.sources[1]: source one: no file matches nothing-*.jsonl" in report
    assert ":5: collect.sources[2]: collect.sources: two: the licence is not known" in report
    assert ":6: collect.sources[3]: collect.sources: three: Reddit is refused" in report
    assert "recipe.yaml:7: filter.langages: unknown key" in report


def test_rows_of_an_earlier_run_bring_their_own_sources(tmp_path: Path) -> None:
    (tmp_path / "kept").mkdir()
    sources = "collect: {sources: [{name: a, files: [kept]}]}\n"
    assert load(
        written(tmp_path, f"name: a\n{sources}dedup: {{sources: [cafe]}}\n")
    ).dedup.sources == ["cafe"]


def test_paths_may_start_at_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "talks.jsonl").write_text("")
    (tmp_path / "ada.json").write_text("{}")
    (tmp_path / "below").mkdir()
    sources = "collect: {sources: [{name: a, files: ['~/talks.jsonl']}]}\n"
    recipe = load(
        written(tmp_path / "below", f"name: a\n{sources}generate: {{cards: ['~/ada.json']}}\n")
    )
    assert len(of_generate(recipe)["cards"]) == 1
    assert "talk.jsonl; did you mean talks.jsonl?" in mistakes(
        tmp_path / "below", f"name: a\n{sources}".replace("ks", "k")
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
    ("setting", "problem"),
    [
        ("languages=[en", "--set languages=[en: not YAML"),
        ("languages", "--set languages: write KEY=VALUE"),
        ("languages.en=1", "--set languages.en=1: write KEY=VALUE"),
        ("languages=2024-13-45", "not YAML: month must be"),
    ],
)
def test_a_setting_that_cannot_be_read_is_reported(setting: str, problem: str) -> None:
    with pytest.raises(UserError) as raised:
        of_files("out", "filter", ["a.jsonl"], ["languages=[en]", setting])
    assert problem in str(raised.value)


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


# --- a friendly text for every mistake

# recipe without its first line, line of the mistake, what is reported there
MISTAKES = [
    ("5", 1, "name: must be a text (found 5): write it in quotes"),
    ("", 1, "name: must be a text (nothing stands here)"),
    ("a/b", 1, "name: names the run's folder, so it may hold only letters, digits"),
    ("a\nseed: x", 2, "seed: must be a whole number (found 'x')"),
    ("a\nseed: 1.5", 2, "seed: must be a whole number (found 1.5)"),
    ("a\nseed: .inf", 2, "seed: must be a number that ends (found inf)"),
    ("a\n1: 2", 2, "1: must be a text (found 1): write it in quotes"),
    ("a\nfilter: [en]", 2, "filter: must be a section of keys and values, as in {key: value}"),
    ("a\nmodels: {w: big}", 2, "models.w: must be a section of keys and values"),
    ("a\nmodels: {w: {}}", 2, "models.w.model: is missing"),
    ("a\nmodels: {w: {model: m, price: {inptu: 1}}}", 2, "did you mean `input`?"),
    ("a\nmodels: {w: {model: m, timeout: soon}}", 2, "timeout: must be a number (found 'soon')"),
    ("a\nmodels: {w: {model: m, timeout: 0}}", 2, "timeout: must be more than 0 (found 0)"),
    ("a\nmodels: {w: {model: m, batch: maybe}}", 2, "batch: must be true or false (found 'maybe')"),
    ("a\nbudget: {max_tokens: -1}", 2, "budget.max_tokens: must be more than 0 (found -1)"),
    ("a\ncollect:\n  sources:", 3, "collect.sources: must be a list, as in [a, b] (nothing"),
    ("a\ncollect: {sources: {name: b}}", 2, "collect.sources: must be a list, as in [a, b]"),
    ("a\ncollect: {sources: [b.jsonl]}", 2, "sources[1]: must be a section of keys and values"),
    ("a\ncollect: {sources: [{files: []}]}", 2, "collect.sources[1].name: is missing"),
    ("a\ngenerate: {turns: [6]}", 2, "generate.turns: must be two numbers"),
    ("a\ngenerate: {turns: 6}", 2, "generate.turns: must be two numbers"),
    ("a\ngenerate: {turns: [9, 6]}", 2, "generate.turns: must be the fewest messages"),
    ("a\ngenerate: {turns: [a, b]}", 2, "generate.turns[1]: must be a whole number (found 'a')"),
    ("a\ngenerate: {temperature: 3}", 2, "generate.temperature: must be 2 or less (found 3)"),
    ("a\ngenerate: {talks: -1}", 2, "generate.talks: must be 0 or more (found -1)"),
    (
        "a\ngenerate: {language: German}",
        2,
        "generate.language: must be the two small letters of a language, as in en (found 'German')",
    ),
    ("a\nfilter: {languages: [eng]}", 2, "languages[1]: there is no language `eng`; codes are"),
    ("a\nfilter: {languages: [no]}", 2, "languages[1]: must be a text (found False): write it in"),
    ("a\nfilter: {privacy: masc}", 2, "filter.privacy: must be 'label', 'mask' or 'drop'"),
    ("a\nfilter: {rules: [structure.turns]}", 2, "filter.rules: must be a section of keys"),
    ("a\nfilter:\n  rules:\n    style.refusel: {limit: 2}", 4, "mean `style.refusal` or"),
    ("a\nfilter: {rules: {turns: {limit: 3}}}", 2, "did you mean `structure.turns`"),
    ("a\nfilter: {rules: {zz: {limit: 3}}}", 2, "`rapport recipe --reference` lists the rules"),
    ("a\nfilter: {rules: {safety.minor: {decision: off}}}", 2, "`safety.minor` cannot be changed"),
    ("a\nfilter: {rules: {style.loop: 3}}", 2, "must be a limit, a decision or both: {limit: 2}"),
    ("a\nfilter: {rules: {style.loop: {limt: 3}}}", 2, "unknown key; did you mean `limit`?"),
    ("a\nfilter: {rules: {style.loop: {decision: no way}}}", 2, "must be 'off', 'warn' or 'drop'"),
    ("a\ndedup: {threshold: 0.1}", 2, "dedup.threshold: must be 0.3 or more (found 0.1)"),
    ("a\ndedup: {against: 7}", 2, "dedup.against: must be a list, as in [a, b] (found 7)"),
    ("a\npublish: {test: 1}", 2, "publish.test: must be less than 1 (found 1)"),
    ("a\npublish: {cut: {turns: 4}}", 2, "publish.cut.turns: must be a section of keys"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "line", "problem"), MISTAKES, ids=[m[0] for m in MISTAKES])
def test_a_mistake_is_reported_in_plain_words(
    tmp_path: Path, text: str, line: int, problem: str
) -> None:
    first, report = mistakes(tmp_path, f"name: {text}\n").split("\n", 1)
    assert re.search(r"has (1 mistake|[23] mistakes):$", first)
    shown = next(one for one in report.splitlines() if problem in one)
    assert f"recipe.yaml:{line}: " in shown
    assert len(shown.split("recipe.yaml", 1)[1]) < 350
    assert "Input should be" not in report


WRONG_VALUES: list[object] = [
    None, "x", "", 7, -1, 0, 1.5, float("nan"), float("inf"), True, [], ["x"], [[]], [None], {},
    {"x": 1}, {"x": {}}, {1: 2}, [{"name": 1}], {"off": {"limit": "x"}}, 10**400,
]  # fmt: skip


def sections(model: type[BaseModel] = Recipe) -> Iterator[type[BaseModel]]:
    """All sections of a recipe."""
    yield model
    for field in model.model_fields.values():
        inside = settings_in(field.annotation)
        if inside is not None:
            yield from sections(inside)


def test_every_type_of_error_that_can_occur_has_our_own_words() -> None:
    types: set[str] = set()
    for section in set(sections()):
        for name in [*section.model_fields, "no_such_key"]:
            for value in WRONG_VALUES:
                try:
                    section.model_validate({name: value})
                except ValidationError as error:
                    types |= {detail["type"] for detail in error.errors()}
    assert types - {"extra_forbidden"} <= WORDS.keys()
    assert len(types) > 15


def test_an_empty_section_is_its_default(tmp_path: Path) -> None:
    text = "name: a\nfilter:\n  # languages: [en]\ndedup:\nmodels: {w: {model: m, price: }}\n"
    recipe = load(written(tmp_path, text))
    assert recipe.filter == FilterSettings()
    assert recipe.dedup.contained == 1.0
    assert recipe.models["w"].price is None


def test_null_is_kept_where_it_means_something(tmp_path: Path) -> None:
    assert load(written(tmp_path, "name: a\ndedup: {contained: }\n")).dedup.contained is None


def test_a_recipe_of_values_is_checked_like_a_file() -> None:
    assert from_values({"name": "a", "dedup": {"threshold": 0.9}}).dedup.threshold == 0.9
    with pytest.raises(UserError, match=r"dedup\.treshold: unknown key; did you mean `threshold`"):
        from_values({"name": "a", "dedup": {"treshold": 0.9}})


# --- the reference


def test_the_reference_names_and_describes_every_key() -> None:
    keys = list(reference.keys())
    paths = [key.path for key in keys]
    assert len(paths) == len(set(paths)) > 90
    assert [key.path for key in keys if not key.description or not key.kind] == []
    by_path = {key.path: key for key in keys}
    threshold = by_path["dedup.threshold"]
    assert threshold.kind == "number, 0.3 or more, 1 or less"
    assert threshold.default == "0.7"
    assert by_path["collect.sources[].name"].default == "none, must be given"
    assert by_path["models.<use>.price"].kind == "section or null"
    assert by_path["filter.rules.<rule>.decision"].kind == "off | warn | drop or null"
    assert by_path["generate.turns"].default == "[6, 36]"
    assert "keys as in collect.sources[]" in by_path["dedup.against"].description


def test_the_reference_names_every_rule_with_limit_unit_and_source() -> None:
    rules = {rule.path: rule for rule in reference.rules()}
    assert rules["structure.turns"].default == "{limit: 4, decision: drop}"
    assert rules["structure.turns"].kind == "fires below the limit"
    assert "messages of user and assistant" in rules["structure.turns"].description
    assert "cannot be changed" in rules["safety.minor"].description


def test_defaults_of_the_reference_are_values_that_a_recipe_takes(tmp_path: Path) -> None:
    lines = ["name: a", "dedup:"]
    for key in reference.keys():  # noqa: SIM118 - a function
        section, _, name = key.path.partition(".")
        if section == "dedup" and name and "." not in name:
            lines.append(f"  {name}: {key.default}")
    recipe = load(written(tmp_path, "\n".join(lines)))
    assert recipe.dedup == Recipe(name="a").dedup
