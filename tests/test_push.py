"""A dataset goes to the Hub, against a small Hub of our own and with the Hub's own libraries.

These read the Hub's address once, at import: a process for each Hub.
"""

from __future__ import annotations

import hashlib
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest

from pipeline import UserError
from pipeline.publish import changelog, outgoing
from pipeline.publish.card import card
from pipeline.publish.hub import today
from pipeline.publish.outgoing import LISTING
from pipeline.run.standing import standing
from pipeline.store.files import FileMark
from pipeline.store.store import Store
from tests.publishing import written
from tests.rows import record, talk, write_jsonl
from tests.servers.hub import CUT, READ_TOKEN, TOKEN, Failure, Hub, Repo, serving
from tests.test_publish import WHATSAPP
from tests.test_published_files import rich

NAME = "anna/talks"
COMMIT = r"POST .*/commit/"
COMMANDS = """
import contextlib, io, json, os, sys
from pipeline import cli
for line in sys.stdin:
    asked = json.loads(line)
    os.environ["HF_TOKEN"] = asked["token"]
    sys.argv = ["rapport", *asked["words"]]
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            cli.main()
        except SystemExit as end:
            code = end.code or 0
    print(json.dumps([code, out.getvalue(), err.getvalue()]), flush=True)
"""
LOAD = """
import datasets, json, sys
found = {}
for config in datasets.get_dataset_config_names(sys.argv[1]):
    loaded = datasets.load_dataset(sys.argv[1], config, verification_mode="all_checks")
    found[config] = {split: len(rows) for split, rows in loaded.items()}
print(json.dumps(found))
"""
Push = Callable[..., tuple[int, str, str]]


def rapport(*words: object) -> None:
    command = [sys.executable, "-m", "pipeline.cli", *map(str, words)]
    subprocess.run(command, check=True, capture_output=True)


def run_of(folder: Path, *numbers: int) -> Path:
    """A run whose dataset has these talks."""
    talks = write_jsonl(folder / "talks.jsonl", [record(number) for number in numbers])
    rapport("publish", talks, "--out", folder / "run", "--license", "CC0-1.0")
    return folder / "run"


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return run_of(tmp_path_factory.mktemp("first"), *range(40))


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def serving_hub() -> Iterator[Hub]:
    with serving() as hub:
        yield hub


@pytest.fixture
def hub(serving_hub: Hub) -> Hub:
    """Empty, and in order."""
    serving_hub.repos.clear()
    serving_hub.uploads.clear()
    serving_hub.failing.clear()
    serving_hub.asked.clear()
    return serving_hub


@pytest.fixture(scope="module")
def push(serving_hub: Hub, home: Path) -> Iterator[Push]:
    """`rapport push` in one process: its exit code, stdout and stderr. No token is shown."""
    pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    environment = os.environ | serving_hub.environment(home)
    child = subprocess.Popen([sys.executable, "-c", COMMANDS], env=environment, **pipes)
    assert child.stdin
    assert child.stdout

    def push(run: Path, *options: str, name: str = NAME, token: str = TOKEN) -> Any:
        words = ["push", str(run), name, *options]
        child.stdin.write(json.dumps({"words": words, "token": token}) + "\n")
        child.stdin.flush()
        code, out, err = json.loads(child.stdout.readline())
        assert token not in out + err
        return code, out, err

    with child:
        yield push
        child.stdin.close()


def loaded(hub: Hub, home: Path) -> dict[str, dict[str, int]]:
    """Rows of every config and split, as the real loader reads them from the Hub."""
    environment = os.environ | hub.environment(home) | {"HF_TOKEN": TOKEN}
    command = [sys.executable, "-c", LOAD, NAME]
    done = subprocess.run(command, env=environment, check=True, capture_output=True, text=True)
    found: dict[str, dict[str, int]] = json.loads(done.stdout)
    return found


def expected(run: Path) -> outgoing.Release:
    report = standing(str(run))[outgoing.STAGE]
    release = outgoing.release(str(run), report, NAME)
    return outgoing.dated(release, changelog.LastRelease(), today())


def assert_released(repo: Repo, run: Path, tag: str = "v1") -> None:
    """Main and its tag have the release of this run, byte for byte, and the run has one commit."""
    assert repo.tags[tag] == repo.head
    last = outgoing.last_release(repo.files[LISTING])
    report = standing(str(run))[outgoing.STAGE]
    release = outgoing.dated(outgoing.release(str(run), report, NAME), last, today())
    digests = {path: hashlib.sha256(data).hexdigest() for path, data in repo.files.items()}
    del digests[".gitattributes"]
    assert digests == {path: file.sha256 for path, file in release.files.items()} == last.files
    card = repo.files["README.md"].decode()
    assert f"### {tag}, {today()}" in card
    assert f'load_dataset("{NAME}", ' in card


def test_one_commit_one_tag_and_the_second_push_makes_neither(
    hub: Hub, home: Path, push: Push, run: Path
) -> None:
    code, out, _ = push(run, "--dry-run")
    release = expected(run)
    assert code == 0
    assert f"{release.size:,} bytes to send in one commit, 0 bytes are there" in out
    assert NAME not in hub.repos
    assert not hub.uploads

    assert push(run, "--private")[0] == 0
    repo = hub.repos[NAME]
    assert repo.private
    assert len(repo.commits) == 2  # that of the new repository, and the release
    assert_released(repo, run)
    assert loaded(hub, home) == release.rows

    before = len(hub.asked)
    code, out, _ = push(run)
    assert code == 0
    assert out.startswith("Nothing to change (v1)")
    assert not [one for one in hub.asked[before:] if one.startswith(("PUT", "POST"))]
    assert f"0 bytes to send in one commit, {release.size:,} bytes" in push(run, "--dry-run")[1]


def test_the_next_release_sends_what_changed_and_keeps_what_others_added(
    hub: Hub, push: Push, run: Path, tmp_path: Path
) -> None:
    push(run)
    repo = hub.repos[NAME]
    repo.commit({**repo.files, "notes/why.txt": b"for us"})
    grown = run_of(tmp_path, *range(44))
    code, out, _ = push(grown, "--dry-run")
    assert code == 0
    changed = [line for line in out.splitlines() if line.startswith(("new", "changed", "removed"))]
    before = {path: file.sha256 for path, file in expected(run).files.items()}
    after = {path: file.sha256 for path, file in expected(grown).files.items()}
    sent = {path for path, digest in after.items() if digest != before.get(path)}
    assert {line.split()[-1] for line in changed} == sent
    assert push(grown)[0] == 0
    assert repo.files.pop("notes/why.txt") == b"for us"
    assert_released(repo, grown, "v2")
    small = run_of(tmp_path / "small", 0, 1)
    gone = set(after) - set(expected(small).files)
    assert gone
    lines = push(small, "--dry-run")[1].splitlines()
    assert {line.split()[-1] for line in lines if line.startswith("removed")} == gone
    assert push(small)[0] == 0
    assert_released(repo, small, "v3")
    assert repo.tags["v1"] != repo.tags["v2"]


FAILURES = {
    "commit": Failure(COMMIT, 503),
    "commit, taken": Failure(COMMIT, 503, lost=True),
    "commit, taken and cut": Failure(COMMIT, CUT, lost=True),
    "upload": Failure("PUT /lfs/", 503),
    "upload, cut": Failure("PUT /lfs/", CUT, times=2),
    "limit": Failure(COMMIT, 429, {"Retry-After": "2"}),
    "card": Failure("POST /api/validate-yaml", 502),
    "new repository, taken": Failure("POST /api/repos/create", 503, lost=True),
    "tag, taken": Failure("POST .*/tag/", 500, lost=True),
    "listing": Failure("GET .*/tree/", 503),
}


@pytest.mark.parametrize("failure", FAILURES.values(), ids=FAILURES)
def test_what_fails_for_the_moment_is_recovered(
    hub: Hub, push: Push, run: Path, failure: Failure
) -> None:
    planned = replace(failure)
    hub.failing.append(planned)
    started = time.monotonic()
    code, _, err = push(run)
    assert (code, planned.times) == (0, 0), err
    assert time.monotonic() - started >= float(failure.headers.get("Retry-After", 0))
    repo = hub.repos[NAME]
    assert len(repo.commits) == 2
    assert list(repo.tags) == ["v1"]
    assert_released(repo, run)


def test_a_commit_of_others_meanwhile_is_kept(hub: Hub, push: Push, run: Path) -> None:
    def commit() -> None:
        repo = hub.repos[NAME]
        repo.commit({**repo.files, "notes.txt": b"first"})

    hub.meanwhile[COMMIT] = commit
    assert push(run)[0] == 0
    repo = hub.repos[NAME]
    assert len(repo.commits) == 3
    assert repo.files.pop("notes.txt") == b"first"
    assert_released(repo, run)


def test_what_others_changed_is_replaced_only_when_told(hub: Hub, push: Push, run: Path) -> None:
    push(run)
    repo = hub.repos[NAME]
    repo.commit({**repo.files, "README.md": b"---\nlicense: mit\n---\nMine.\n"})
    head = repo.head
    code, out, err = push(run)
    assert (code, out, repo.head) == (1, "", head)
    assert "README.md in anna/talks was not written by the last push" in err
    assert push(run, "--overwrite")[0] == 0
    assert expected(run).files["README.md"].size == len(repo.files["README.md"])


LASTING = {
    "read-only token": (None, READ_TOKEN, "take one with the role `write`"),
    "no such token": (None, "hf_nobody", "set HF_TOKEN, or log in"),
    "forbidden": (Failure("POST .*/preupload/", 403, times=9), TOKEN, "the role `write`"),
    "quota": (Failure(r"POST .*/batch", 413, times=9), TOKEN, "refuses anna/talks (413)"),
    "limit": (Failure(COMMIT, 429, {"Retry-After": "3600"}, 9), TOKEN, "again in 3600 seconds"),
    "trouble": (Failure(COMMIT, 503, times=9), TOKEN, "run the same command later"),
}


@pytest.mark.parametrize(("failure", "token", "advice"), LASTING.values(), ids=LASTING)
def test_what_lasts_is_one_message_and_nothing_is_half_published(
    hub: Hub, push: Push, run: Path, failure: Failure | None, token: str, advice: str
) -> None:
    hub.repos[NAME] = Repo()
    before = hub.repos[NAME].commit({".gitattributes": b""})
    hub.failing += [replace(failure)] if failure else []
    code, out, err = push(run, token=token)
    assert (code, out, err.count("\n")) == (1, "", 1), err
    assert advice in err
    assert "the same command" in err.lower()
    assert (hub.repos[NAME].head, hub.repos[NAME].tags) == (before, {})
    hub.failing.clear()
    assert push(run)[0] == 0
    assert_released(hub.repos[NAME], run)


def test_a_pull_request_leaves_main_as_it_is_and_is_made_once(
    hub: Hub, push: Push, run: Path
) -> None:
    assert "push it once without a request" in push(run, "--pull-request")[2]
    hub.repos[NAME] = repo = Repo()
    before = repo.commit({".gitattributes": b""})
    hub.failing.append(Failure(COMMIT, 503, lost=True))
    for _ in range(2):
        code, out, err = push(run, "--pull-request")
        assert code == 0, err
        assert f"/datasets/{NAME}/discussions/1" in out
    assert list(repo.pulls) == [1]
    assert (repo.head, repo.tags) == (before, {})
    path = next(path for path in repo.commits[repo.pulls[1]] if path.endswith(".parquet"))
    assert [one for one in hub.asked if f"/resolve/refs%2Fpr%2F1/{path}" in one]  # loaded back
    assert set(expected(run).files) < set(repo.commits[repo.pulls[1]])


def test_what_is_there_must_be_what_was_sent(hub: Hub, push: Push, run: Path) -> None:
    """A Hub that damages a file: no tag, and a message that names it."""
    path = next(path for path in expected(run).files if path.startswith("default/train"))

    def damage() -> None:
        repo = hub.repos[NAME]
        data = bytearray(repo.files[path])
        data[len(data) // 2] ^= 1
        repo.commits[repo.head][path] = bytes(data)

    hub.meanwhile["GET .*/refs"] = damage  # it is asked for once the commit stands
    code, out, err = push(run)
    assert (code, out) == (1, "")
    assert f"{path} in {NAME} is not what was sent" in err
    assert not hub.repos[NAME].tags


@pytest.mark.parametrize("seed", range(3))
def test_after_a_kill_at_any_moment_the_same_command_makes_one_release(
    hub: Hub, home: Path, push: Push, run: Path, seed: int
) -> None:
    moment = random.Random(seed).randrange(4 + 20 * seed, 24 + 20 * seed)  # requests
    command = [sys.executable, "-m", "pipeline.cli", "push", str(run), NAME]
    environment = os.environ | hub.environment(home) | {"HF_TOKEN": TOKEN}
    child = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL)
    while len(hub.asked) < moment and child.poll() is None:
        time.sleep(0.001)
    child.send_signal(signal.SIGKILL)
    assert child.wait() == -signal.SIGKILL, f"it was done before request {moment}"
    sent = len([one for one in hub.asked if one.startswith("PUT")])
    assert push(run)[0] == 0
    repo = hub.repos[NAME]
    assert len(repo.commits) == 2
    assert list(repo.tags) == ["v1"]
    assert_released(repo, run)
    again = len([one for one in hub.asked if one.startswith("PUT")]) - sent
    assert again <= len(expected(run).files) - sent + 5  # what five threads had under way


def mixed_run(folder: Path) -> Path:
    """A run as `publish` leaves it: 16 rows, 2 of them of the rehearsal model."""
    dataset = f"{outgoing.STAGE}/{outgoing.DATASET}"
    rows = [rich(number) for number in range(16)]
    summary = written(folder / dataset, [rows])
    Store(folder, dataset).write_text("README.md", card("mixed", summary, []))
    Store(folder).write_text("recipe.yaml", "name: mixed\n")
    marks = {}
    for path in sorted((folder / dataset).rglob("*.*")):
        data = path.read_bytes()
        mark = FileMark(0, len(data), hashlib.sha256(data).hexdigest())
        marks[str(path.relative_to(folder / outgoing.STAGE))] = asdict(mark)
    configs = list(map(asdict, summary.configs))
    report = {"before": "", "store": "1", "files": marks, "configs": configs, "refused": []}
    Store(folder, outgoing.STAGE).write_record("report.json", report)
    return folder


def test_rows_of_the_rehearsal_model_stay_here(
    hub: Hub, home: Path, push: Push, tmp_path: Path
) -> None:
    run = mixed_run(tmp_path)
    assert list((run / outgoing.STAGE / outgoing.DATASET / "rehearsal").iterdir())
    code, _, err = push(run)
    assert code == 0, err
    repo = hub.repos[NAME]
    assert not [path for path in repo.files if path.startswith("rehearsal")]
    text = repo.files["README.md"].decode()
    assert "config_name: rehearsal" not in text
    assert "| rehearsal" not in text
    found = loaded(hub, home)
    assert found == expected(run).rows
    assert sum(found["full"].values()) == 14

    report = standing(str(run))[outgoing.STAGE]
    configs = [one for one in report["configs"] if one["name"].startswith("rehearsal")]
    with pytest.raises(UserError, match="rows of the rehearsal model never are"):
        outgoing.release(str(run), {**report, "configs": configs})


def test_private_rows_and_damaged_files_are_not_pushed(
    hub: Hub, push: Push, run: Path, tmp_path: Path
) -> None:
    chat = tmp_path / "WhatsApp Chat with Mira.txt"
    chat.write_text(WHATSAPP.format(*talk(3)))
    rapport("publish", chat, "--out", tmp_path / "run", "--license", "CC0-1.0")
    code, out, err = push(tmp_path / "run")
    assert (code, out) == (1, "")
    assert "of WhatsApp Chat with Mira are private: from a messenger" in err
    assert "else `{private_rows: leave_out}`" in err

    file = next((run / "6-publish" / "dataset" / "full").glob("train*"))
    whole = file.read_bytes()
    file.write_bytes(whole[:-1])
    try:
        code, _, err = push(run)
    finally:
        file.write_bytes(whole)
    assert code == 1
    assert f"{file.name} is damaged" in err
    assert push(tmp_path)[0] == 1
    assert not hub.asked
