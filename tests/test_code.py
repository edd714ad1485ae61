"""What makes a store stale: exactly the code and the texts that its stage stands on."""

from __future__ import annotations

import ast
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline.run import code, keys
from pipeline.run.stages import MEASURING, NAMES, STAGES
from pipeline.texts import configs
from tests.rows import record, write_jsonl

ROOT = Path(__file__).parents[1]


def parsed_imports(path: Path) -> Iterator[str]:
    """The modules of ours that a file imports, by Python's own parser; not those for types only."""
    tree = ast.parse(path.read_text("utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            node.body = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def test_no_import_is_missed() -> None:
    for path in [*ROOT.glob("pipeline/**/*.py"), *ROOT.glob("spiders/*.py")]:
        found = set(code.imported(path))
        for name in parsed_imports(path):
            file = ROOT.joinpath(*name.split(".")).with_suffix(".py")
            if name.split(".")[0] in code.OURS and file.is_file():
                assert file in found, f"{path} imports {name}"


def stale_after(edited: str, monkeypatch: pytest.MonkeyPatch, folder: Path) -> set[str]:
    """The stages whose code is another after an edit of one file of the tree."""
    for top in code.OURS:
        shutil.copytree(ROOT / top, folder / top, ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(code, "ROOT", folder)
    before = {stage.name: code.code_digest(stage.modules) for stage in STAGES}
    path = folder / edited
    path.write_text(path.read_text("utf-8") + "# edited\n", "utf-8")
    after = {stage.name: code.code_digest(stage.modules) for stage in STAGES}
    return {name for name in NAMES if before[name] != after[name]}


@pytest.mark.parametrize(
    ("edited", "stages"),
    [
        ("pipeline/store/parts.py", set(NAMES)),
        ("pipeline/conversation.py", set(NAMES)),
        ("pipeline/run/context.py", set(NAMES)),
        ("pipeline/run/steps/dedup.py", {"dedup"}),
        ("pipeline/recipe/score.py", {"score"}),
        ("pipeline/dedup/link.py", {"dedup", "publish"}),  # publish looks for leaks
        ("pipeline/rules/structure.py", {"generate", "filter", "score", "publish"}),
        ("pipeline/score/rate.py", {"score"}),
        ("pipeline/judge/verdict.py", {"score"}),
        ("pipeline/llm/request.py", {"generate", "score"}),
        ("pipeline/score/compare.py", set()),
        ("pipeline/score/calibrate.py", set()),
        ("pipeline/store/agreement.py", {"publish"}),
        ("pipeline/publish/card.py", {"publish"}),
        ("pipeline/collect/shapes/papers/tei.py", {"collect", "dedup"}),  # dedup reads other sets
        ("spiders/forum.py", {"collect"}),
        ("pipeline/cli/render.py", set()),
        ("pipeline/run/trace.py", set()),
    ],
)
def test_an_edited_module_makes_exactly_its_stages_stale(
    edited: str, stages: set[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert stale_after(edited, monkeypatch, tmp_path) == stages


def test_what_measures_stands_on_nothing_that_rates() -> None:
    """An edit of a rating re-scores from what is stored."""
    names = {str(path.relative_to(ROOT)) for path in code.sources(MEASURING.modules)}
    assert names > {"pipeline/score/defects.py", "pipeline/annotate/features.py"}
    ratings = ("score/apply.py", "score/rate.py", "criteria.py", "run/steps/score.py")
    assert names.isdisjoint(f"pipeline/{name}" for name in ratings)
    assert not any(name.startswith(("pipeline/judge/", "pipeline/llm/")) for name in names)


@pytest.mark.parametrize(
    ("edited", "stages"),
    [
        ("words/refusal-en.txt", {"generate", "filter", "score", "publish"}),
        ("words/emotion-en.txt", {"generate", "score"}),
        ("words/praise-en.txt", {"generate", "score"}),
        ("words/complaint-de.txt", {"generate", "score"}),
        ("words/declines-en.txt", {"generate"}),
        ("words/rebuffs-de.txt", {"generate", "score"}),
        ("prompts/talk-user-en.md", {"generate"}),
        ("prompts/judge.md", {"score"}),
        ("criteria.yaml", {"score", "publish"}),
        ("personas/en.yaml", {"generate"}),
        ("licenses.txt", {"collect", "dedup"}),
        ("prices.yaml", set()),
    ],
)
def test_an_edited_text_makes_exactly_its_stages_stale(
    edited: str, stages: set[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    folder = tmp_path / "configs"
    shutil.copytree(configs(), folder)
    monkeypatch.setattr(keys, "configs", lambda: folder)
    before = {stage.name: keys.texts_digest(stage.texts) for stage in STAGES}
    path = folder / edited
    path.write_text(path.read_text("utf-8") + "edited\n", "utf-8")
    after = {stage.name: keys.texts_digest(stage.texts) for stage in STAGES}
    assert {name for name in NAMES if before[name] != after[name]} == stages


WATCHED = """
import sys
from pathlib import Path

opened = set()
sys.addaudithook(lambda event, args: opened.add(str(args[0])) if event == "open" else None)
from pipeline.run.stages import STAGES
from pipeline.texts import configs
from pipeline.cli import main

sys.argv[1:] = sys.argv[1:]
try:
    main()
except SystemExit as end:
    assert not end.code, end.code
texts = {str(Path(name).resolve().relative_to(configs().resolve()))
         for name in opened if str(configs().resolve()) in str(Path(name).resolve())}
print("READ", *sorted(texts))
"""


def test_every_text_that_a_run_reads_is_in_a_key(tmp_path: Path) -> None:
    write_jsonl(tmp_path / "talks.jsonl", [record(number) for number in range(6)])
    recipe = "name: watched\ncollect: {sources: [{name: a, files: [talks.jsonl], license: MIT}]}\n"
    recipe += "models: {writer: {model: m, base_url: rehearsal}}\n"
    recipe += "score: {judge: {models: [writer]}}\n"
    recipe += "generate: {seeds: 1, talks: 1, characters: 1, turns: [4, 6]}\n"
    (tmp_path / "recipe.yaml").write_text(recipe)
    done = subprocess.run(
        [sys.executable, "-c", WATCHED, "run", "recipe.yaml", "--workers", "1"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
        env={"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin", "HOME": str(tmp_path)},
    )
    line = next(line for line in done.stdout.splitlines() if line.startswith("READ"))
    known: set[Path] = set()
    for stage in STAGES:
        for pattern in stage.texts:
            if not pattern.startswith("!"):
                known |= set(configs().glob(pattern))
    read = {configs() / name for name in line.split()[1:] if name != "prices.yaml"}
    assert len(read) > 20
    assert sorted(read - known) == []
