"""A dataset on the Hub as a source, against a small Hub of our own.

The Hub's libraries read its address and the offline switch once, at import: a process for each such
environment.
"""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.rows import record
from tests.servers.hub import TOKEN, Failure, Hub, serving

READ = """
import json, os, sys
from pathlib import Path
from pipeline import collect
from pipeline import UserError
from pipeline.conversation import FileRead
from pipeline.recipe.collect import CollectSettings

def answer(source):
    named = CollectSettings(sources=[source])
    settings = CollectSettings(sources=collect.resolved(named.sources))
    rows = []
    for unit in collect.units(settings, Path()):
        rows += collect.read(unit, settings, Path())
    rows = [row for row in rows if not isinstance(row, FileRead)]
    pinned = settings.sources[0]
    return {
        "pinned": [pinned.revision, pinned.license, pinned.attribution],
        "refs": [row.source.ref for row in rows],
        "openings": [row.messages[0].content for row in rows],
    }

for line in sys.stdin:
    asked = json.loads(line)
    os.environ["HF_TOKEN"] = asked.pop("token", "")
    try:
        print(json.dumps(answer(asked)), flush=True)
    except UserError as error:
        print(json.dumps({"error": str(error)}), flush=True)
"""

CARD = """---
license: cc-by-4.0
configs:
- config_name: default
  data_files:
  - {split: train, path: data/train-*.parquet}
  - {split: test, path: data/test.parquet}
- config_name: small
  data_files: data/test.parquet
---
# Talks

## Citation
```
@misc{talks,
  title = {Talks}
}
```
"""


def parquet(*numbers: int) -> bytes:
    store = io.BytesIO()
    pq.write_table(pa.Table.from_pylist([record(n) for n in numbers]), store)
    return store.getvalue()


FILES = {
    "README.md": CARD.encode(),
    "data/train-0.parquet": parquet(0, 1),
    "data/train-1.parquet": parquet(2),
    "data/test.parquet": parquet(3),
}
LINES = json.dumps(record(0)).encode()


Ask = Callable[..., dict[str, Any]]


@pytest.fixture(scope="module")
def hub() -> Iterator[Hub]:
    kinds = {"anna/talks": FILES, "anna/plain": {"talks.jsonl": LINES}, "anna/locked": FILES}
    kinds["anna/odd"] = {"README.md": b"---\nlicense: other\n---\n", "talks.jsonl": LINES}
    with serving(kinds) as hub:
        hub.repos["anna/locked"].gated = True
        yield hub


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


@contextmanager
def asking(hub: Hub, home: Path, **environment: str) -> Iterator[Ask]:
    """A process that reads one Hub source after the other."""
    everything = os.environ | hub.environment(home) | environment
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
    child = subprocess.Popen([sys.executable, "-c", READ], env=everything, text=True, **pipes)
    assert child.stdin
    assert child.stdout

    def ask(**source: Any) -> dict[str, Any]:
        child.stdin.write(json.dumps(source) + "\n")
        child.stdin.flush()
        found: dict[str, Any] = json.loads(child.stdout.readline())
        return found

    with child:
        yield ask
        child.stdin.close()


@pytest.fixture(scope="module")
def ask(hub: Hub, home: Path) -> Iterator[Ask]:
    with asking(hub, home) as ask:
        yield ask


def opening(number: int) -> str:
    return str(record(number)["messages"][0]["content"])


def test_one_line_reads_a_dataset_pinned_to_its_commit_and_offline_again(
    hub: Hub, home: Path, ask: Ask
) -> None:
    first = ask(hub="anna/talks")
    commit = hub.repos["anna/talks"].find("main")
    assert first["pinned"] == [commit, "CC-BY-4.0", "@misc{talks, title = {Talks} }"]
    assert first["openings"] == [opening(n) for n in range(4)]
    assert first["refs"][2] == f"anna/talks@{commit}/data/train-1.parquet#1"

    before = len(hub.asked)
    with asking(hub, home, HF_HUB_OFFLINE="1") as ask_offline:
        assert ask_offline(hub="anna/talks") == first
        missing = ask_offline(hub="anna/plain")["error"]
    assert "set to offline and anna/plain is not in the local cache" in missing
    assert len(hub.asked) == before  # and nothing was asked


def test_config_split_streaming_and_an_older_revision(hub: Hub, home: Path, ask: Ask) -> None:
    old = hub.repos["anna/talks"].find("main")
    hub.repos["anna/talks"].commit({**FILES, "data/test.parquet": parquet(7, 8)})
    new = ask(hub="anna/talks", split="test", stream=True)
    assert new["openings"] == [opening(7), opening(8)]
    assert new["pinned"][0] != old
    assert not list(
        home.rglob(f"{new['pinned'][0]}/data/test.parquet")
    )  # streamed: no copy is kept
    older = ask(hub="anna/talks", config="small", revision=old)
    assert (older["pinned"][0], older["openings"]) == (old, [opening(3)])


def test_a_licence_that_the_card_does_not_name_must_be_given(ask: Ask) -> None:
    assert "does not name one" in ask(hub="anna/plain")["error"]
    assert "has 'other'" in ask(hub="anna/odd")["error"]
    given = ask(hub="anna/plain", license="mit", attribution="Anna")
    assert (given["pinned"][1:], given["openings"]) == (["MIT", "Anna"], [opening(0)])


def test_a_gated_dataset_opens_with_a_token(ask: Ask) -> None:
    assert (
        "anna/locked is gated: ask for access on its page, then set HF_TOKEN"
        in ask(hub="anna/locked")["error"]
    )
    assert len(ask(hub="anna/locked", token=TOKEN)["openings"]) == 4


TROUBLES: list[tuple[dict[str, str], list[Failure], str]] = [
    ({"hub": "anna/nothing"}, [], "no dataset anna/nothing on the Hub, or it is private"),
    ({"hub": "a//b"}, [], "is not a dataset's name; write owner/name"),
    ({"hub": "anna/talks", "revision": "v9"}, [], "anna/talks has no revision 'v9'"),
    (
        {"hub": "anna/talks", "config": "large"},
        [],
        "'large' not found. Available: ['default', 'small']",
    ),
    ({"hub": "anna/talks", "split": "dev"}, [], "no split 'dev'; anna/talks has train, test"),
    (
        {"hub": "anna/talks"},
        [Failure("GET /api", 429, {"Retry-After": "30"})],
        "(429). Run again in 30 seconds",
    ),
    ({"hub": "anna/talks"}, [Failure("GET /api", 503)], "in trouble (503). Nothing is lost"),
]


@pytest.mark.parametrize(
    ("source", "failing", "message"), TROUBLES, ids=[t[2][:30] for t in TROUBLES]
)
def test_trouble_is_one_clear_message(
    hub: Hub, ask: Ask, source: dict[str, str], failing: list[Failure], message: str
) -> None:
    hub.failing[:] = failing
    error = ask(**source)["error"]
    assert message in error
    assert error.startswith(f"source {source['hub']}: ")
    assert "\n" not in error


def test_no_hub_is_one_clear_message(hub: Hub, home: Path) -> None:
    with asking(hub, home, HF_ENDPOINT="http://127.0.0.1:9") as ask:
        assert "cannot reach the Hub at http://127.0.0.1:9" in ask(hub="anna/talks")["error"]


def run_until(stage: str, hub: Hub, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run the recipe in a folder, up to a stage, against this Hub."""
    command = [sys.executable, "-m", "pipeline.cli", "run", "recipe.yaml"]
    top = {"PYTHONPATH": str(Path(__file__).parents[1])}
    return subprocess.run(
        [*command, "--until", stage, "--json"],
        cwd=folder,
        env=os.environ | top | hub.environment(folder / "home"),
        capture_output=True,
        text=True,
    )


def test_a_run_writes_the_commit_into_its_recipe_and_keeps_to_it(tmp_path: Path) -> None:
    (tmp_path / "recipe.yaml").write_text(
        "name: tests\ncollect: {sources: [{name: talks, hub: anna/talks}]}\n"
    )
    with serving({"anna/talks": dict(FILES)}) as hub:
        first, second = hub.repos["anna/talks"].find("main"), None
        for _ in range(2):
            done = run_until("collect", hub, tmp_path)
            assert done.returncode == 0, done.stderr
            assert json.loads(done.stdout)[0]["kept"] == 4
            resolved = (tmp_path / "output" / "tests" / "recipe.yaml").read_text()
            assert f"revision: {first}" in resolved
            assert "license: CC-BY-4.0" in resolved
            second = hub.repos["anna/talks"].commit({**FILES, "data/test.parquet": parquet(7, 8)})
        assert second != first


def test_what_stands_in_one_split_of_a_hub_dataset_is_dropped(tmp_path: Path) -> None:
    (tmp_path / "mine.jsonl").write_text("".join(json.dumps(record(n)) + "\n" for n in (0, 3, 50)))
    sources = "collect: {sources: [{name: mine, files: [mine.jsonl]}]}\n"
    against = "dedup: {against: [{hub: anna/talks, config: default, split: test}]}\n"
    (tmp_path / "recipe.yaml").write_text(
        f"name: tests\n{sources}filter: {{languages: [en]}}\n{against}"
    )
    with serving({"anna/talks": dict(FILES)}) as hub:
        done = run_until("dedup", hub, tmp_path)
        assert done.returncode == 0, done.stderr
        stage = json.loads(done.stdout)[-1]
        assert (stage["stage"], stage["reasons"]) == ("dedup", {"dedup.against": 1})
        commit = hub.repos["anna/talks"].find("main")
        assert f"revision: {commit}" in (tmp_path / "output" / "tests" / "recipe.yaml").read_text()
