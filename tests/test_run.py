"""The whole corridor as a user meets it: the command, real files, real processes, kills and full
disks."""

from __future__ import annotations

import hashlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import pytest

from pipeline.collect import files
from pipeline.texts import configs
from tests.rows import record, write_jsonl

RAPPORT = [sys.executable, "-m", "pipeline.cli"]
ENVIRONMENT = os.environ | {"PYTHONPATH": str(Path(__file__).parents[1])}
ROOMS = ("collect", "generate", "filter", "dedup", "score", "publish")


def rapport(*words: object, code: int = 0, **environment: str) -> str:
    """Run a command; what it printed, both streams."""
    around = ENVIRONMENT | environment
    done = subprocess.run([*RAPPORT, *map(str, words)], capture_output=True, text=True, env=around)
    told = done.stdout + done.stderr
    assert done.returncode == code, told
    assert "Traceback" not in told, told
    return told


def recipe(folder: Path, files: int = 3, rows: int = 120, **sections: object) -> Path:
    """A recipe over `files` files of `rows` talks each; a hundred of the rows stand in two
    files."""
    for number in range(files):
        talks = folder / "talks" / f"{number}.jsonl"
        if not talks.exists():  # a file that is written again is another file
            write_jsonl(talks, [record(n) for n in range(number * 100, number * 100 + rows)])
    values = {
        "name": "tests",
        "collect": {
            "sources": [{"name": "talks", "files": ["talks/*.jsonl"], "license": "CC0-1.0"}]
        },
        "filter": {"languages": ["en"]},
        **sections,
    }
    path = folder / "recipe.yaml"
    path.write_text(json.dumps(values))  # JSON is YAML
    return path


def digests(run: Path) -> dict[str, str]:
    """Hash of every Parquet file of a run."""
    return {
        str(p.relative_to(run)): hashlib.sha256(p.read_bytes()).hexdigest()
        for p in sorted(run.rglob("*.parquet"))
    }


def finished(run: Path) -> dict[str, str]:
    """When each room was last walked."""
    reports = {p.parent.name: json.loads(p.read_text()) for p in run.glob("*/report.json")}
    return {
        folder.split("-")[1]: report["finished"] + str(report["seconds"])
        for folder, report in reports.items()
    }


def funnel(told: str) -> dict[str, dict[str, int]]:
    line = next(line for line in told.splitlines() if line.startswith("["))
    return {row["stage"]: row for row in json.loads(line)}


def test_rows_in_are_rows_out_in_every_room(tmp_path: Path) -> None:
    way = funnel(rapport("run", recipe(tmp_path), "--out", tmp_path / "out", "--json"))
    assert tuple(way) == ROOMS
    before = way["collect"]["in"]
    assert before == 360
    for row in way.values():
        assert row["in"] == before
        assert (
            row["in"] + row["added"]
            == row["kept"] + row["dropped"] + row["merged"] + row["quarantined"]
        )
        before = row["kept"]
    assert way["dedup"]["dropped"] >= 40


def test_changing_nothing_walks_nothing_and_a_limit_walks_filter_and_what_follows(
    tmp_path: Path,
) -> None:
    run = tmp_path / "out"
    rapport("run", recipe(tmp_path), "--out", run)
    first = finished(run)
    files = {p: p.stat().st_mtime_ns for p in run.glob("*/**/*") if p.is_file()}
    rapport("run", tmp_path / "recipe.yaml", "--out", run)
    assert finished(run) == first
    assert {p: p.stat().st_mtime_ns for p in run.glob("*/**/*") if p.is_file()} == files
    measured = {p: p.stat().st_mtime_ns for p in (run / "3-filter" / "measured").rglob("*.parquet")}
    limit = {"languages": ["en"], "rules": {"structure.turns": {"limit": 7}}}
    way = funnel(rapport("run", recipe(tmp_path, filter=limit), "--out", run, "--json"))
    assert way["filter"]["kept"] == 0
    assert way["filter"]["reasons"] == {"structure.turns": 360}
    second = finished(run)
    assert {room for room in ROOMS if second[room] != first[room]} == {
        "filter",
        "dedup",
        "score",
        "publish",
    }
    assert {
        p: p.stat().st_mtime_ns for p in (run / "3-filter" / "measured").rglob("*.parquet")
    } == measured


def test_an_edited_input_is_read_again(tmp_path: Path) -> None:
    path, run = recipe(tmp_path), tmp_path / "out"
    rapport("run", path, "--out", run)
    write_jsonl(tmp_path / "talks" / "9.jsonl", [record(n) for n in range(900, 905)])
    assert funnel(rapport("run", path, "--out", run, "--json"))["collect"]["in"] == 365


def test_from_walks_again_and_until_stops(tmp_path: Path) -> None:
    path, run = recipe(tmp_path, files=1), tmp_path / "out"
    assert (
        tuple(funnel(rapport("run", path, "--out", run, "--until", "filter", "--json")))
        == ROOMS[:3]
    )
    rapport("run", path, "--out", run)
    first = finished(run)
    rapport("run", path, "--out", run, "--from", "score")
    second = finished(run)
    assert {room for room in ROOMS if second[room] != first[room]} == {"score", "publish"}


def test_unreadable_rows_are_quarantined_and_no_good_row_is_lost(tmp_path: Path) -> None:
    good = [record(n) for n in range(1500)]
    no_messages = {"id": "x", "messages": None}
    number = {
        "id": "y",
        "messages": [{"role": "user", "content": 7}, {"role": "assistant", "content": "Fine."}],
    }
    huge = record(1, ["Hello there, how are you?", "x" * 10_000_000])
    bad = [no_messages, number, huge, '{"messages": [{"role": "user", "con']
    rows = [
        *good[:300],
        bad[0],
        *good[300:600],
        bad[1],
        *good[600:900],
        bad[2],
        *good[900:1200],
        bad[3],
        *good[1200:],
    ]
    path = recipe(tmp_path, files=0)
    write_jsonl(tmp_path / "talks" / "all.jsonl", rows)
    way = funnel(rapport("run", path, "--out", tmp_path / "out", "--until", "collect", "--json"))
    assert way["collect"]["kept"] == 1500
    assert way["collect"]["quarantined"] == 4
    import pyarrow.parquet as pq

    held = pq.read_table(tmp_path / "out" / "1-collect" / "quarantine").to_pylist()
    assert sorted(row["where"].split("#")[1] for row in held) == ["1204", "301", "602", "903"]
    assert all(row["rule"] and row["detail"] for row in held)


def wide_recipe(folder: Path) -> Path:
    """Four sources and a crawl, with enough rows and bytes that worker processes share every
    room."""
    shutil.copytree(configs() / "quickstart" / "pages", folder / "pages")
    doors: list[dict[str, object]] = [
        {"name": "scenes", "spider": "mediawiki", "start": ["pages/index.html"]}
    ]
    for number in range(4):
        padded = [record(n) | {"note": "x" * 1400} for n in range(number * 500, number * 500 + 550)]
        write_jsonl(folder / f"{number}.jsonl", padded)
        doors.append({"name": f"talks {number}", "files": [f"{number}.jsonl"]})
    collect = {"sources": [door | {"license": "CC0-1.0"} for door in doors]}
    asked = {"seeds": 1, "talks": 2, "turns": [6, 8]}
    models = {"writer": {"model": "r", "base_url": "rehearsal"}}
    return recipe(folder, files=0, collect=collect, generate=asked, models=models)


def started(path: Path, run: Path) -> subprocess.Popen[str]:
    """A run as a terminal's shell starts one: with its workers in a group of its own.

    Where these tests run in the background (`make test &`), Ctrl-C is ignored, and what they start
    would inherit that.
    """
    command = [*RAPPORT, "run", str(path), "--out", str(run), "--workers", "2"]
    streams = {"stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE}
    return subprocess.Popen(
        command,
        env=ENVIRONMENT,
        text=True,
        start_new_session=True,
        preexec_fn=partial(signal.signal, signal.SIGINT, signal.SIG_DFL),
        **streams,
    )


def marks(run: Path) -> int:
    """Units of work that are complete, in all rooms."""
    return sum(1 for _ in run.rglob("done/*.json"))


def wait_for(process: subprocess.Popen[str], run: Path, count: int) -> None:
    while process.poll() is None and marks(run) < count:
        time.sleep(0.002)


@pytest.mark.parametrize("moments", [4, pytest.param(10, marks=pytest.mark.faults)])
def test_killed_at_random_moments_it_ends_in_the_same_bytes(moments: int, tmp_path: Path) -> None:
    path, run = wide_recipe(tmp_path), tmp_path / "killed"
    rapport("run", path, "--out", tmp_path / "whole", "--workers", "2")
    chance = random.Random(5)
    before_publish = marks(tmp_path / "whole") - 6  # the last room is too short to be hit for sure
    for count in sorted(chance.sample(range(1, before_publish), moments)):
        process = started(path, run)
        wait_for(process, run, count)
        time.sleep(chance.uniform(0, 0.05))
        process.kill()
        process.communicate()
        assert process.returncode == -signal.SIGKILL
    rapport("run", path, "--out", run, "--workers", "2")
    assert digests(run) == digests(tmp_path / "whole")
    assert len(digests(run)) > 30
    rapport(
        "run", path, "--out", run
    )  # sweeps what a worker left that outlived the last kill by a moment
    assert list(run.rglob("*.tmp")) == []


def test_ctrl_c_ends_with_one_message_and_the_next_run_goes_on(tmp_path: Path) -> None:
    path, run = wide_recipe(tmp_path), tmp_path / "out"
    process = started(path, run)
    wait_for(process, run, 14)  # the rooms before `filter` have 11, so it is at work
    os.killpg(process.pid, signal.SIGINT)
    told = process.communicate()[1]
    assert process.returncode == 130, told
    assert "Interrupted. What was finished is kept" in told
    assert "Traceback" not in told
    kept = {mark: mark.stat().st_mtime_ns for mark in run.rglob("done/*.json")}
    rapport("run", path, "--out", run, "--until", "filter")
    assert {mark: mark.stat().st_mtime_ns for mark in kept} == kept


@pytest.mark.parametrize(("size", "crawl"), [("150k", False), ("60k", True), ("100k", True)])
def test_a_full_disk_is_one_clear_message_and_nothing_is_lost(
    tmp_path: Path, size: str, crawl: bool
) -> None:
    path, small = recipe(tmp_path, files=6, rows=400), tmp_path / "small"
    small.mkdir()
    command = " ".join(
        [*RAPPORT, "run", "quickstart" if crawl else str(path), "--out", str(small / "out")]
    )
    mount = f"mount -t tmpfs -o size={size} tmpfs {small} || exit 77"
    larger = f"mount -o remount,size=100m {small}"
    script = f"{mount}; {command}; echo code $?; {larger}; {command}; echo code $?"
    own = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", script]
    done = subprocess.run(own, capture_output=True, text=True, env=ENVIRONMENT)
    told = done.stdout + done.stderr
    if done.returncode == 77 or done.stderr.startswith("unshare:"):
        pytest.skip("this machine lets no user mount a small file system")
    assert any(
        words in told for words in ("No space left on device", "disk is full", "disk I/O error")
    )
    assert "the same command goes on from there" in told
    assert "Traceback" not in told
    assert "code 1" in told
    assert "code 0" in told


def test_the_folder_of_another_recipe_is_left_alone(tmp_path: Path) -> None:
    run = tmp_path / "out"
    path = recipe(tmp_path, files=1)
    rapport("run", path, "--out", run, "--until", "collect")
    path.write_text(path.read_text().replace('"tests"', '"others"'))
    assert "holds the run of recipe `tests`, not of `others`" in rapport(
        "run", path, "--out", run, code=1
    )
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "cat.jpg").touch()
    assert "holds no run of Rapport" in rapport("run", path, "--out", tmp_path / "photos", code=1)


def test_why_tells_the_whole_life_of_a_dropped_row(tmp_path: Path) -> None:
    path, run = recipe(tmp_path, files=1), tmp_path / "out"
    write_jsonl(
        tmp_path / "talks" / "short.jsonl",
        [record(800, ["Good evening to you, is it still raining?", "Bye."])],
    )
    rapport("run", path, "--out", run)
    told = rapport("why", run, "talk-800")
    assert "file talks: short.jsonl#1" in told
    assert "licence CC0-1.0" in told
    assert "collect: kept" in told
    assert "filter: dropped" in told
    assert "drop structure.turns 2 (limit 4)" in told
    assert "Is it still raining?".lower() in told.lower()
    assert "score:" not in told
    assert "No conversation ffff" in rapport("why", run, "ffff", code=1)
    assert "There is no run" in rapport("why", tmp_path / "nowhere", "ffff", code=1)


def test_why_names_the_partner_of_a_duplicate(tmp_path: Path) -> None:
    path, run = recipe(tmp_path, files=1, rows=20), tmp_path / "out"
    write_jsonl(tmp_path / "talks" / "again.jsonl", [record(3)])
    way = funnel(rapport("run", path, "--out", run, "--json"))
    assert way["dedup"]["reasons"] == {"dedup.exact": 1}
    import pyarrow.parquet as pq

    gone = pq.read_table(run / "4-dedup" / "dropped").to_pylist()[0]
    partner = gone["findings"][-1]["evidence"]
    told = rapport("why", run, gone["id"])
    assert "dedup: dropped" in told
    assert any(
        row["id"] in partner
        for row in pq.read_table(run / "4-dedup" / "kept", columns=["id"]).to_pylist()
    )


def test_why_leaves_out_rooms_whose_shelf_is_older_than_the_one_before(tmp_path: Path) -> None:
    path, run = recipe(tmp_path, files=1), tmp_path / "out"
    rapport("run", path, "--out", run)
    assert "score: kept" in rapport("why", run, "talk-7")
    stricter = {"languages": ["en"], "rules": {"structure.turns": {"limit": 7}}}
    rapport("run", recipe(tmp_path, files=1, filter=stricter), "--out", run, "--until", "filter")
    told = rapport("why", run, "talk-7")
    assert "filter: dropped" in told
    assert "score:" not in told


def test_one_room_works_on_the_users_own_files(tmp_path: Path) -> None:
    path = write_jsonl(
        tmp_path / "mine.jsonl", [record(n) for n in (1, 2, 2, 3)] + [record(9, ["Hi.", "Hello."])]
    )
    way = funnel(
        rapport("filter", path, "--out", tmp_path / "a", "--set", "languages=[en]", "--json")
    )
    assert (way["filter"]["kept"], way["filter"]["dropped"]) == (4, 1)
    way = funnel(rapport("dedup", path, "--out", tmp_path / "b", "--threshold", "0.8", "--json"))
    assert way["dedup"]["reasons"] == {"dedup.exact": 1}
    way = funnel(rapport("publish", path, "--out", tmp_path / "c", "--json"))
    assert way["publish"]["kept"] == 5
    assert (tmp_path / "c" / "6-publish" / "dataset" / "README.md").exists()


def test_mistakes_of_the_user_are_told_without_a_traceback(tmp_path: Path) -> None:
    assert "There is no recipe" in rapport("run", tmp_path / "no.yaml", code=1)
    strange = write_jsonl(tmp_path / "strange.jsonl", [{"colour": "green", "size": 4}])
    told = rapport("collect", strange, "--out", tmp_path / "out", code=1)
    assert "no known shape fits" in told
    assert "messages" in told
    assert 'colour: "green"' in told
    file = tmp_path / "taken"
    file.touch()
    good = write_jsonl(tmp_path / "good.jsonl", [record(1)])
    assert "a file stands there. Choose another --out" in rapport(
        "collect", good, "--out", file, code=1
    )
    assert "a file stands there" in rapport("collect", good, "--out", file / "below", code=1)
    assert "generate.cards[1]: there is no" in rapport(
        "generate", "--out", tmp_path / "o3", "--set", "cards=[nobody.png]", code=1
    )
    assert "Usage" in rapport("run", code=2)
    assert "no file matches" in rapport(
        "collect", tmp_path / "nothing.jsonl", "--out", tmp_path / "o2", code=1
    )


def test_a_rule_that_is_off_decides_nothing(tmp_path: Path) -> None:
    path = write_jsonl(tmp_path / "mine.jsonl", [record(n) for n in range(3)])
    sets = ("--set", "languages=[de]", "--set", "rules.language.admitted.decision=off")
    assert (
        funnel(rapport("filter", path, "--out", tmp_path / "my out", *sets, "--json"))["filter"][
            "kept"
        ]
        == 3
    )


def test_files_of_a_disk_and_of_a_bucket_make_one_source() -> None:
    assert files._root(["s3://bucket/a.jsonl", "/data/b.jsonl"]) == "/"
    assert files._root(["s3://bucket/x/a.jsonl", "s3://bucket/x/y/b.jsonl"]) == "/bucket/x"


def test_plan_says_what_would_happen_and_does_nothing(tmp_path: Path) -> None:
    path, run = recipe(tmp_path, files=1), tmp_path / "out"
    assert "runs" in rapport("plan", path, "--out", run)
    assert not run.exists()
    rapport("run", path, "--out", run, "--until", "filter")
    told = json.loads(
        next(
            line
            for line in rapport("plan", path, "--out", run, "--json").splitlines()
            if line.startswith("[")
        )
    )
    assert [row["state"] for row in told] == ["cached", "cached", "cached", "runs", "runs", "runs"]


def test_plan_tells_calls_and_tokens_before_they_are_spent(tmp_path: Path) -> None:
    asked = {"seeds": 2, "talks": 3, "turns": [6, 8]}
    path = recipe(tmp_path, files=1, generate=asked, models={"writer": {"model": "gpt-4o-mini"}})
    told = rapport("plan", path, "--out", tmp_path / "out", "--json")
    row = next(
        r
        for r in json.loads(next(t for t in told.splitlines() if t.startswith("[")))
        if r["stage"] == "generate"
    )
    assert 2 * 3 * 6 <= row["calls"] <= 2 * 3 * 10
    assert row["prompt_tokens"] > row["completion_tokens"] > 0
    assert row["cost"] > 0
    assert not (tmp_path / "out").exists()


MODEL = {"model": "sim", "key": "MARKED_KEY", "attempts": 1, "price": {"input": 1, "output": 2}}
ASKED = {"seeds": 2, "talks": 2, "turns": [6, 8], "attempts": 2}


def modelled(folder: Path, url: str, **asked: object) -> Path:
    """A recipe that asks a model at an address."""
    ENVIRONMENT["MARKED_KEY"] = "sk-marked-0123456789"
    return recipe(
        folder, files=1, generate=ASKED | asked, models={"writer": MODEL | {"base_url": url}}
    )


def test_the_exit_code_tells_partial_from_full(tmp_path: Path) -> None:
    from tests.servers.model import serving

    with serving(poison=1.0) as server:
        path = modelled(tmp_path, server.url)
        told = rapport("run", path, "--out", tmp_path / "out", "--until", "generate", code=3)
    assert "4 of the rows asked for could not be made" in told
    assert "asks again" not in told
    assert "sk-marked" not in told
    assert not [
        p for p in (tmp_path / "out").rglob("*") if p.is_file() and b"sk-marked" in p.read_bytes()
    ]


def test_talks_that_the_rules_refuse_are_no_full_result_either(tmp_path: Path) -> None:
    from tests.servers.model import serving

    with serving(faults={"refusal": 1.0}) as server:
        path = modelled(tmp_path, server.url)
        told = rapport("run", path, "--out", tmp_path / "out", "--until", "generate", code=3)
        assert "4 of the rows asked for could not be made" in told
        sets = ("--set", "seeds=1", "--set", "talks=1")
        address = ("--model", "sim", "--base-url", server.url, "--out", tmp_path / "alone")
        ENVIRONMENT["OPENAI_API_KEY"] = "sk-marked-0123456789"
        assert "1 of the rows asked" in rapport("generate", *address, *sets, code=3)


def test_what_a_server_failed_is_asked_again_by_the_same_command(tmp_path: Path) -> None:
    from tests.servers.model import serving

    run = tmp_path / "out"
    with serving(answers="pipeline.llm.rehearsal:answer", faults={"500": 0.25}) as server:
        path = modelled(tmp_path, server.url, attempts=1)
        told = rapport("run", path, "--out", run, "--json", code=3)
        assert "the same command asks again for what failed" in told
        broken = funnel(told)
        assert broken["generate"]["transient"] > 0
        server.configure(faults={})  # counts anew
        healed = funnel(rapport("run", path, "--out", run, "--json"))
        assert (healed["generate"]["added"], healed["generate"]["kept"]) == (4, 124)
        assert healed["publish"]["in"] > broken["publish"]["in"]
        answered = server.stats()
        assert answered["asked_again_after_answer"] == 0
        walked = finished(run)
        rapport("run", path, "--out", run)
        assert server.stats()["requests"] == answered["requests"]
        assert finished(run) == walked
        rapport("run", path, "--out", tmp_path / "undisturbed")
        whole = server.stats()["requests"] - answered["requests"]
        assert 0 < answered["requests"] < whole  # only what had failed
    assert digests(run) == digests(tmp_path / "undisturbed")


def test_a_second_attempt_that_fills_the_slot_is_a_full_result(tmp_path: Path) -> None:
    from tests.servers.model import serving

    with serving(answers="pipeline.llm.rehearsal:answer", faults={"500": 0.1}) as server:
        path = modelled(tmp_path, server.url, attempts=9, seeds=4, turns=[8, 8])
        way = funnel(
            rapport("run", path, "--out", tmp_path / "out", "--until", "generate", "--json")
        )
        assert server.stats()["sent"]["500"] > 0
    assert way["generate"]["dropped"] + way["generate"]["quarantined"] > 0
    assert (way["generate"]["kept"], way["generate"]["missing"], way["generate"]["transient"]) == (
        128,
        0,
        0,
    )


def test_a_paid_run_tells_how_far_it_is_and_what_it_took(tmp_path: Path) -> None:
    from tests.servers.model import serving

    run = tmp_path / "out"
    with serving(answers="pipeline.llm.rehearsal:answer") as server:
        path = modelled(tmp_path, server.url)
        told = rapport("run", path, "--out", run, "--until", "generate")
        assert "generate: 0 of 4 talks" in told
        assert "generate: 4 of 4 talks" in told
        requests = server.stats()["requests"]
        told = rapport("stats", run)
        assert (
            f"models: {requests} calls, 0 of them answered from the store; {requests} requests"
            in told
        )
        (usage,) = [r["usage"] for r in json.loads(rapport("stats", run, "--json")) if "usage" in r]
        assert usage["probes"] > 0  # what they took counts as spent, and is little
        assert usage["cost"] < usage["all_cost"] < 1.05 * usage["cost"]
        assert (
            f"spent in this folder so far: {usage['all_tokens']} tokens, ${usage['all_cost']:.4f}"
            in told
        )
        values = json.loads(path.read_text())
        path.write_text(
            json.dumps(values | {"budget": {"max_cost": 1e-6}, "generate": ASKED | {"talks": 3}})
        )
        told = rapport("plan", path, "--out", run)
    assert "Careful: the estimate exceeds `budget.max_cost`" in told
    assert f"{usage['all_cost']:.4f}" in told


def test_calibrate_shows_what_a_limit_would_do(tmp_path: Path) -> None:
    path = write_jsonl(
        tmp_path / "mine.jsonl", [record(n) for n in range(9)] + [record(9, ["Hi.", "Hello."])]
    )
    other = write_jsonl(
        tmp_path / "other.jsonl", [record(n, ["Hi.", "Hello."]) for n in range(100)]
    )
    told = rapport("calibrate", "filter", path, other, "--set", "languages=[en]")
    assert "distinct_2" in told
    line = next(line for line in told.splitlines() if "structure.turns" in line and "mine" in line)
    assert "drop" in line
    assert "10.00%" in line
    assert [line.split()[0] for line in told.splitlines() if "warning: above" in line] == ["other"]


def test_explain_shows_rows_that_a_changed_limit_decides_otherwise(tmp_path: Path) -> None:
    path = write_jsonl(
        tmp_path / "mine.jsonl",
        [record(n) for n in range(9)] + [record(9, ["Hi there.", "Hello you."])],
    )
    first = ("filter", path, "--out", tmp_path / "out", "--set", "languages=[en]")
    rapport(*first)
    told = rapport(*first, "--set", "rules={structure.turns: {limit: 7}}", "--explain")
    assert "newly dropped: the first 9" in told
    assert "structure.turns 6 below 7" in told
    told = rapport(*first, "--explain")
    assert "newly kept: the first 9" in told


def test_only_report_writes_the_pairs_and_drops_nothing(tmp_path: Path) -> None:
    path = write_jsonl(tmp_path / "mine.jsonl", [record(n) for n in (1, 2, 2, 3)])
    way = funnel(rapport("dedup", path, "--out", tmp_path / "out", "--only-report", "--json"))
    assert (way["dedup"]["kept"], way["dedup"]["dropped"]) == (4, 0)
    import pyarrow.parquet as pq

    pairs = pq.read_table(tmp_path / "out" / "4-dedup" / "pairs.parquet").to_pylist()
    assert len(pairs) == 1
    assert pairs[0]["similarity"] == 1.0


def test_generated_talks_go_out_in_the_realm_layout(tmp_path: Path) -> None:
    made = tmp_path / "made"
    rapport(
        "generate", "--out", made, "--set", "seeds=2", "--set", "talks=2", "--set", "turns=[6, 8]"
    )
    rapport("publish", made / "2-generate" / "kept", "--out", tmp_path / "out", "--layout", "realm")
    folder = tmp_path / "out" / "6-publish" / "realm"
    records = [
        json.loads(line) for line in (folder / "characters.jsonl").read_text("utf-8").splitlines()
    ]
    assert [len(record["dialogues"]) for record in records] == [2, 2]
    assert set(records[0]) == {
        "name",
        "context",
        "greeting",
        "example_dialogue",
        "topics",
        "dialogues",
    }
    card = json.loads(next((folder / "cards").iterdir()).read_text("utf-8"))
    assert card["spec"] == "chara_card_v2"


def test_stats_shows_the_funnel_and_the_measures(tmp_path: Path) -> None:
    run = tmp_path / "out"
    rapport("run", recipe(tmp_path, files=1), "--out", run)
    told = rapport("stats", run)
    for room in ROOMS:
        assert room in told
    assert "distinct_2" in told
    assert "commonest openings" in told
    assert len(json.loads(rapport("stats", run, "--json"))) == 6
