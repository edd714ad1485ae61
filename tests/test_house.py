"""The rules of the house that a reader would check: who may import, print, open and decide what."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from benchmarks import house
from benchmarks.house_source import modules
from pipeline.recipe.loading import load
from pipeline.recipe.settings import Recipe
from pipeline.run.stages import NAMES

ROOT = Path(__file__).parents[1]
STAGE_NAMES = set(NAMES)
CODE = [p for top in ("pipeline", "spiders") for p in sorted((ROOT / top).rglob("*.py"))]


def imported(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def stage_of(path: Path) -> str | None:
    name = (
        path.relative_to(ROOT / "pipeline").parts[0].removesuffix(".py")
        if path.is_relative_to(ROOT / "pipeline")
        else ""
    )
    return name if name in STAGE_NAMES else None


@pytest.mark.parametrize("path", CODE, ids=lambda p: str(p.relative_to(ROOT)))
def test_a_stage_imports_no_other_stage(path: Path) -> None:
    own = stage_of(path)
    if own is None:
        return
    others = {
        name.split(".")[1]
        for name in imported(path)
        if name.startswith("pipeline.") and name.count(".") >= 1
    }
    assert not (others & STAGE_NAMES) - {own}


@pytest.mark.parametrize("path", CODE, ids=lambda p: str(p.relative_to(ROOT)))
def test_only_the_command_line_prints_and_reads_the_environment(path: Path) -> None:
    if path.parent.name == "cli":
        return
    tree = ast.parse(path.read_text("utf-8"))
    calls = {
        node.func.id
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
    }
    assert "print" not in calls
    names = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    allowed = (
        {"environ"} if path.name == "web.py" or path.parent.name == "spiders" else set()
    )  # handed to the child
    assert not names & {"environ", "getenv"} - allowed


def test_a_stage_is_a_recipe_section_a_command_and_a_module() -> None:
    from pipeline.cli import cli

    names = list(NAMES)
    assert names == ["collect", "generate", "filter", "dedup", "score", "publish"]
    for name in names:
        assert name in Recipe.model_fields
        assert name in cli.commands
        assert (ROOT / "pipeline" / name).is_dir() or (ROOT / "pipeline" / f"{name}.py").is_file()


def test_help_waits_for_no_heavy_library() -> None:
    told = subprocess.run(
        [sys.executable, "-X", "importtime", "-c", "import pipeline.cli"],
        capture_output=True,
        text=True,
        check=True,
    )
    loaded = {line.rsplit("|", 1)[1].strip() for line in told.stderr.splitlines() if "|" in line}
    assert "click" in loaded
    assert not loaded & {
        "pydantic",
        "pyarrow",
        "numba",
        "scrapy",
        "datasets",
        "openai",
        "rich",
        "yaml",
    }


def test_the_figures_of_the_house_hold() -> None:
    """Words, light lines, types, functions, import circles: see benchmarks/house.py."""
    figures = house.figures(modules(ROOT))
    assert [figure.name for figure in figures if figure.ok is False] == []


def test_the_top_of_the_package_shows_the_dataflow() -> None:
    top = [path for path in (ROOT / "pipeline").iterdir() if path.name != "__pycache__"]
    assert len([path for path in top if path.is_file()]) <= 8
    folders = {path.name for path in top if path.is_dir()}
    assert folders >= {"collect", "generate", "filter", "dedup", "publish", "run", "store", "rules"}


def test_every_dependency_has_its_sentence() -> None:
    import tomllib

    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    told = (ROOT / "CONTRIBUTING.md").read_text()
    names = [d.split(">")[0].split("[")[0] for d in project["dependencies"]]
    assert [name for name in names if f"**{name}**" not in told] == []


def test_the_readme_names_only_what_there_is(tmp_path: Path) -> None:
    from pipeline.cli import cli

    text = (ROOT / "README.md").read_text("utf-8")
    assert len(text.splitlines()) < 150
    commands = re.findall(r"^`?(\S*rapport) (\S+)(.*)", text, re.M)
    assert {command for command, _, _ in commands} == {
        ".venv/bin/rapport"
    }  # there is no other after `make quickstart`
    assert len(commands) >= 7
    for _, name, words in commands:
        command = cli.commands[name]
        if isinstance(command, click.Group):
            command = command.commands[words.split()[0]]
        known = {option for parameter in command.params for option in parameter.opts}
        assert not set(re.findall(r"--[a-z-]+", words.partition("#")[0])) - known
    targets = set(re.findall(r"^(\S+):", (ROOT / "Makefile").read_text(), re.M))
    assert not set(re.findall(r"make ([a-z-]+)", text)) - targets


def test_the_recipes_of_the_readme_have_no_mistakes(tmp_path: Path) -> None:
    blocks = re.findall(r"```yaml\n(.*?)```", (ROOT / "README.md").read_text("utf-8"), re.S)
    (tmp_path / "recipe.yaml").write_text("".join(blocks), "utf-8")
    recipe = load(tmp_path / "recipe.yaml")
    assert recipe.generate.wanted
    assert recipe.collect.sources
