"""What the documents say is so."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import yaml

from pipeline.cli import cli
from pipeline.run.stages import NAMES

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text("utf-8")


def test_every_command_stands_in_the_readme() -> None:
    named = set(re.findall(r"rapport ([a-z]+)", README)) | set(NAMES)
    assert cli.commands.keys() - named == set()


def test_a_command_without_a_key_stands_before_line_30() -> None:
    lines = README.splitlines()
    assert len(lines) < 150
    assert any(line.startswith("make quickstart") for line in lines[:30])


def test_the_five_lines_of_the_readme_are_the_example() -> None:
    (block,) = re.findall(r"```python\n(.*?)```", README, re.S)
    example = (ROOT / "examples" / "five_lines.py").read_text("utf-8")
    lines = [line for line in block.splitlines() if line]
    assert len(lines) <= 5
    for line in lines:
        assert line.replace('"chats.jsonl"', "given") in example


def test_links_lead_somewhere() -> None:
    code = ROOT / "pipeline"
    annotations = ROOT / "benchmarks" / "annotations" / "README.md"
    of_code = (code / "README.md", code / "collect" / "README.md", code / "llm" / "README.md")
    others = (*of_code, annotations)
    for path in (ROOT / "README.md", ROOT / "CONTRIBUTING.md", *others):
        links = re.findall(r"\]\(([^)#:]+)\)", path.read_text("utf-8"))
        assert [link for link in links if not (path.parent / link).exists()] == []


def test_the_tree_of_the_code_names_every_folder_and_file_at_the_top() -> None:
    text = (ROOT / "pipeline" / "README.md").read_text("utf-8")
    names = {
        f"{path.name}/" if path.is_dir() else path.name
        for path in (ROOT / "pipeline").iterdir()
        if path.name != "__pycache__" and (path.is_dir() or path.suffix == ".py")
    }
    assert {name for name in names if name not in text} == set()


def test_ci_runs_on_every_version_that_is_named() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    prefix = "Programming Language :: Python :: 3."
    named = [f"3.{one[len(prefix) :]}" for one in project["classifiers"] if one.startswith(prefix)]
    ci = yaml.safe_load((ROOT / ".github" / "workflows" / "ci.yml").read_text("utf-8"))
    assert ci["jobs"]["ci"]["strategy"]["matrix"]["python"] == named
    contributing = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
    assert [version for version in named if version not in contributing] == []
    assert ci["jobs"]["ci"]["steps"][-1] == {"run": ".ci/run"}
