"""The command line as a user meets it: what stands on which stream, exit codes, first steps."""

from __future__ import annotations

import errno
import io
import json
import os
import pty
import re
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.shell_completion import ShellComplete
from rich.console import Console

import pipeline.cli
from pipeline import UserError
from pipeline.cli import cli, main, progress
from pipeline.recipe.loading import load
from pipeline.run import leftovers
from pipeline.run.context import Progress
from pipeline.run.stages import STAGES
from pipeline.store.counts import Counts
from pipeline.texts import configs
from tests.conftest import Rapport
from tests.rows import record, write_jsonl


def talks(folder: Path, name: str = "talks.jsonl", rows: int = 5) -> Path:
    return write_jsonl(folder / name, [record(number) for number in range(rows)])


# --- streams and exit codes


def test_only_results_stand_on_stdout(tmp_path: Path, rapport: Rapport) -> None:
    code, out, err = rapport("collect", talks(tmp_path), "--out", tmp_path / "out", "--json")
    assert code == 0
    (row,) = json.loads(out)
    assert (row["stage"], row["kept"]) == ("collect", 5)
    assert err.splitlines() == ["collect: 0 of 1 parts", "collect: 1 of 1 parts"]


def test_a_mistake_of_the_user_ends_with_one_message_and_code_1(
    tmp_path: Path, rapport: Rapport
) -> None:
    code, out, err = rapport("run", tmp_path / "none.yaml")
    assert (code, out) == (1, "")
    assert err == f"There is no recipe {tmp_path / 'none.yaml'}. Bundled: quickstart.\n"
    code, out, err = rapport("filter", talks(tmp_path), "--out", "o", "--set", "langages=[en]")
    assert (code, out) == (1, "")
    assert err == "filter.langages: unknown key; did you mean `languages`?\n"


def test_a_command_that_is_not_understood_ends_with_code_2(rapport: Rapport) -> None:
    assert rapport("run")[0] == 2
    assert rapport("runn")[0] == 2
    assert rapport("recipe")[0] == 2
    assert rapport("dedup", "a.jsonl", "--out", "o", "--threshold", "high")[0] == 2


@pytest.mark.parametrize(
    ("error", "code", "message"),
    [
        (KeyboardInterrupt(), 130, "Interrupted. What was finished is kept"),
        (click.Abort(), 130, "Interrupted. What was finished is kept"),
        (UserError("Do this."), 1, "Do this.\n"),
        (OSError(errno.ENOSPC, "full", "/big/file"), 1, "No space left on device at /big/file."),
        (OSError(errno.EACCES, "no"), 1, "Permission denied. What was finished is kept"),
        (sqlite3.OperationalError("database or disk is full"), 1, "SQLite: database or disk"),
    ],
)  # fmt: skip
def test_failures_outside_our_hands_are_one_message(
    rapport: Rapport, monkeypatch: pytest.MonkeyPatch, error: BaseException, code: int, message: str
) -> None:
    def fail(**_: object) -> None:
        raise error

    monkeypatch.setattr(cli.commands["stats"], "callback", fail)
    found, out, err = rapport("stats", "run")
    assert (found, out) == (code, "")
    assert err.lstrip().startswith(message)


def test_a_bug_is_a_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(**_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(pipeline.cli, "lean", lambda environment: None)
    monkeypatch.setattr(cli.commands["stats"], "callback", fail)
    monkeypatch.setattr(sys, "argv", ["rapport", "stats", "run"])
    with pytest.raises(ZeroDivisionError):
        main()


def test_a_reader_that_goes_away_is_no_error_message(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "pipeline.cli", "recipe", "--reference"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout
        assert process.stderr
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode in (0, 1)


# --- commands from the table of stages


@pytest.mark.parametrize("stage", STAGES, ids=lambda stage: stage.name)
def test_every_stage_has_a_command_with_its_summary_and_options(stage: object) -> None:
    row = next(one for one in STAGES if one is stage)
    command = cli.commands[row.name]
    assert command.help == f"{row.summary} {row.inputs}"
    options = {option for parameter in command.params for option in parameter.opts}
    assert {"--out", "--set", "--workers", "--json"} <= options
    assert {f"--{option.name.replace('_', '-')}" for option in row.options} <= options


def test_an_option_of_a_stage_is_a_setting(tmp_path: Path, rapport: Rapport) -> None:
    code, _, err = rapport("dedup", talks(tmp_path), "--out", "o", "--threshold", "7")
    assert (code, err) == (1, "dedup.threshold: must be 1 or less (found 7.0)\n")


def test_help_lists_commands_by_theme_and_cuts_no_sentence(rapport: Rapport) -> None:
    code, out, _ = rapport("--help")
    assert code == 0
    names = re.findall(r"^  ([a-z]+)  +\S", out, re.M)
    assert names[:3] == ["run", "check", "plan"]
    stages = [stage.name for stage in STAGES]
    assert names[names.index("collect") :][: len(stages)] == stages
    assert "..." not in out.partition("Commands:")[2]


def test_the_shell_completes_commands_and_stages() -> None:
    complete = ShellComplete(cli, {}, "rapport", "_RAPPORT_COMPLETE")
    assert [found.value for found in complete.get_completions([], "cl")] == ["clean"]
    found = [one.value for one in complete.get_completions(["run", "--from"], "")]
    assert found == [stage.name for stage in STAGES]


# --- progress


def report(done: int, total: int, kept: int = 0, dropped: int = 0) -> Progress:
    return Progress("filter", "parts", done, total, Counts(kept=kept, dropped=dropped), 300)


def test_lines_are_the_first_the_last_and_one_now_and_then(
    capfd: pytest.CaptureFixture[str],
) -> None:
    times = iter([0.0, 10.0, 12.0, 21.0, 22.0, 23.0])
    lines = progress.Lines(lambda: next(times))
    for done in range(6):
        lines.progress(report(done, 5))
    assert capfd.readouterr().err.splitlines() == [
        "filter: 0 of 5 parts",
        "filter: 1 of 5 parts",
        "filter: 3 of 5 parts",
        "filter: 5 of 5 parts",
    ]


def shown(*steps: Progress, **terminal: str) -> str:
    """What the bars write to a terminal that is 120 columns wide."""
    stream = io.StringIO()
    console = Console(file=stream, force_terminal=True, width=120, _environ=terminal)
    bars = progress.Bars(console)
    with bars.shown():
        for step in steps:
            bars.progress(step)
        bars.notice("A server is slow [today].")
    return stream.getvalue()


def test_a_bar_shows_rows_rate_and_what_was_kept_and_dropped() -> None:
    text = shown(report(0, 3), report(2, 3, kept=150, dropped=50))
    for part in ("filter", "2/3 parts", "200 of 300 rows", "/s", "kept 150", "dropped 50"):
        assert part in text
    assert "A server is slow [today]." in text


def test_a_bar_of_talks_counts_no_rows() -> None:
    text = shown(Progress("generate", "talks", 1, 4))
    assert "1/4 talks" in text
    assert "rows" not in text


def test_no_color_is_respected() -> None:
    coloured = re.compile(r"\x1b\[[0-9;]*3[0-9]")
    steps = (report(1, 3, kept=3),)
    assert coloured.search(shown(*steps, TERM="xterm-256color"))
    assert not coloured.search(shown(*steps, TERM="xterm-256color", NO_COLOR="1"))


def test_on_a_terminal_there_are_bars_on_stderr_and_results_on_stdout(tmp_path: Path) -> None:
    words = ["collect", str(talks(tmp_path)), "--out", str(tmp_path / "out"), "--json"]
    ours, theirs = pty.openpty()
    done = subprocess.run(
        [sys.executable, "-m", "pipeline.cli", *words],
        stdout=subprocess.PIPE,
        stderr=theirs,
        env=os.environ | {"TERM": "xterm-256color", "COLUMNS": "120"},
        check=True,
    )
    os.close(theirs)
    bars = os.read(ours, 1 << 16).decode()
    os.close(ours)
    assert json.loads(done.stdout)[0]["kept"] == 5
    assert "1/1 parts" in bars
    assert "━" in bars
    assert "collect: 0 of 1 parts" not in bars


# --- rapport init


def chats(folder: Path) -> Path:
    """A folder as a newcomer may have it."""
    top = folder / "chats"
    (top / "exports" / "ann").mkdir(parents=True)
    (top / "exports" / "bo").mkdir()
    for name in ("cafe.jsonl", "neighbours.csv"):
        shutil.copy(configs() / "quickstart" / name, top)
    line = "[01/02/2024, 10:0{}:00] {}: Is the number {} tram late again today, do you know?\n"
    for folder_of_one in ("ann", "bo"):
        messages = [line.format(n, ("Ann", "Bo")[n % 2], n) for n in range(6)]
        (top / "exports" / folder_of_one / "chat.txt").write_text("".join(messages))
    (top / "odd.jsonl").write_text('{"colour": "green"}\n')
    (top / "photo.jpg").touch()
    (top / ".hidden.jsonl").write_text("no\n")
    return top


def test_init_writes_a_recipe_that_check_and_run_take_at_once(
    tmp_path: Path, rapport: Rapport
) -> None:
    top = chats(tmp_path)
    code, out, _ = rapport("init", top)
    assert code == 0
    assert "cafe: 1 file, 32.3 kB, shape sharegpt; 20 of 20 sampled records are read" in out
    assert "exports: 2 files" in out
    assert "shape whatsapp" in out
    assert "left out: odd.jsonl" in out
    path = top / "recipe.yaml"
    assert rapport("check", path)[0] == 0
    recipe = load(path)
    sources = {source.name: source.files for source in recipe.collect.sources}
    assert sources == {
        "cafe": ["cafe.jsonl"],
        "exports": ["exports/**/*.txt"],
        "neighbours": ["neighbours.csv"],
    }
    assert recipe.filter.languages == ["en"]
    code, out, _ = rapport("run", path, "--out", tmp_path / "out", "--until", "collect", "--json")
    assert code == 0
    assert json.loads(out)[0]["kept"] > 50


def test_what_init_proposes_in_comments_is_valid(tmp_path: Path, rapport: Rapport) -> None:
    top = tmp_path / "chats"
    talks(top)
    rapport("init", top)
    path = top / "recipe.yaml"
    lines = path.read_text().splitlines(keepends=True)
    lines = [re.sub(r"^( *)# (?=[ #]*[a-z_.]+:)", r"\1", line) for line in lines]
    text = "".join(line for line in lines if not line.strip().startswith(("license: the", "assis")))
    path.write_text(text.replace("assistant: who", "# who"))
    recipe = load(path)
    assert recipe.generate.wanted
    assert recipe.budget.max_cost == 5
    assert recipe.collect.sources[0].license == "CC-BY-4.0"
    assert recipe.filter.rules["structure.turns"].limit == 6
    assert recipe.publish.cut["questions"].min == 0.05


def test_init_leaves_what_is_there_as_it_is(tmp_path: Path, rapport: Rapport) -> None:
    top = talks(tmp_path / "chats").parent
    (top / "recipe.yaml").write_text("name: mine\n")
    code, _, err = rapport("init", top)
    assert code == 1
    assert "recipe.yaml exists already; it is left as it is" in err
    assert (top / "recipe.yaml").read_text() == "name: mine\n"


def test_init_says_what_it_could_not_read(tmp_path: Path, rapport: Rapport) -> None:
    (tmp_path / "empty").mkdir()
    code, _, err = rapport("init", tmp_path / "empty")
    assert code == 1
    assert "holds no dialogue file that can be read" in err
    (tmp_path / "empty" / "odd.jsonl").write_text('{"colour": "green"}\n')
    assert (
        "odd.jsonl: source odd: odd.jsonl: no known shape fits"
        in rapport("init", tmp_path / "empty")[2]
    )
    assert "There is no folder" in rapport("init", tmp_path / "nowhere")[2]


def test_init_gives_each_shape_of_a_folder_a_source(tmp_path: Path, rapport: Rapport) -> None:
    top = tmp_path / "my chats"
    talks(top, "one.jsonl")
    talks(top, "two [b].jsonl")
    shutil.copy(configs() / "quickstart" / "cafe.jsonl", top)
    assert rapport("init", top)[0] == 0
    recipe = load(top / "recipe.yaml", sources=True)
    files = sorted(len(source.files) for source in recipe.collect.sources)
    assert files == [1, 2]
    assert recipe.name == "my-chats"


# --- rapport recipe, rapport clean


def test_the_reference_is_printed(rapport: Rapport) -> None:
    code, out, _ = rapport("recipe", "--reference")
    assert code == 0
    assert "dedup.threshold: number, 0.3 or more, 1 or less; default: 0.7\n    Jaccard" in out
    assert "structure.turns: fires below the limit; default: {limit: 4, decision: drop}" in out
    assert "\n  messages\n" in out.partition("Names for collect.sources[].shape:")[2]


@pytest.fixture(scope="module")
def old_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run whose source has changed after `filter`: what follows `collect` is old."""
    folder = tmp_path_factory.mktemp("old")
    talks(folder)
    values = {"name": "old", "collect": {"sources": [{"name": "t", "files": ["talks.jsonl"]}]}}
    path = folder / "recipe.yaml"
    path.write_text(json.dumps(values))
    run = folder / "out"
    rapport = [sys.executable, "-m", "pipeline.cli", "run", str(path), "--out", str(run)]
    subprocess.run([*rapport, "--until", "filter"], check=True, capture_output=True)
    talks(folder, rows=7)
    subprocess.run([*rapport, "--until", "collect"], check=True, capture_output=True)
    return run


@pytest.fixture
def run(old_run: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(old_run, tmp_path / "run"))


def test_clean_lists_old_stores_and_caches_with_bytes_and_costs(
    run: Path, rapport: Rapport
) -> None:
    (run / "calls.sqlite").write_bytes(b"x" * 4_000)
    (run / "calls.sqlite-wal").write_bytes(b"x" * 2_000)
    (run / "1-collect" / "kept" / "part.123.tmp").write_bytes(b"x" * 500)
    before = sorted(run.rglob("*"))
    found = {one.name: one for one in leftovers.leftovers(str(run))}
    assert set(found) == {"2-generate", "3-filter", "calls.sqlite", "**/*.tmp"}
    assert found["calls.sqlite"].size == 6_000
    assert "paid" in found["calls.sqlite"].cost
    assert found["**/*.tmp"].size == 500
    assert found["3-filter"].size == sum(
        path.stat().st_size for path in (run / "3-filter").rglob("*") if path.is_file()
    )
    code, out, _ = rapport("clean", run)
    assert code == 0
    assert "6.0 kB" in out
    assert "every answer is asked, and paid, again" in out
    assert sorted(run.rglob("*")) == before


def test_clean_removes_what_is_named_and_nothing_else(run: Path, rapport: Rapport) -> None:
    (run / "calls.sqlite").touch()
    (run / "calls.sqlite-wal").touch()
    assert rapport("clean", run, "--remove", "calls.sqlite")[0] == 0
    names = {path.name for path in run.iterdir()}
    assert {"1-collect", "2-generate", "3-filter", "recipe.yaml", "run.json"} <= names
    assert not names & {"calls.sqlite", "calls.sqlite-wal"}
    code, _, err = rapport("clean", run, "--remove", "1-collect")
    assert code == 1
    assert "there is no leftover `1-collect`" in err
    assert (run / "1-collect" / "report.json").is_file()


def test_clean_yes_removes_old_stores_and_keeps_caches(run: Path, rapport: Rapport) -> None:
    (run / "pages.sqlite").touch()
    assert "Removed 3-filter" in rapport("clean", run, "--yes")[1]
    names = {path.name for path in run.iterdir()}
    assert {"1-collect", "pages.sqlite"} <= names
    assert not names & {"2-generate", "3-filter"}
    assert "There was nothing to remove." in rapport("clean", run, "--yes")[1]


def test_clean_keeps_a_stage_that_can_be_resumed_unless_it_is_named(run: Path) -> None:
    (run / "3-filter" / "report.json").unlink()
    (found,) = [one for one in leftovers.leftovers(str(run)) if one.name == "3-filter"]
    assert (found.what, found.spare) == ("an unfinished stage", False)
    leftovers.remove(str(run), [], spare=True)
    assert (run / "3-filter").is_dir()
    leftovers.remove(str(run), ["3-filter"])
    assert not (run / "3-filter").exists()


def test_clean_lists_caches_inside_finished_stages(run: Path, old_run: Path) -> None:
    path = old_run.parent / "recipe.yaml"
    rapport = [sys.executable, "-m", "pipeline.cli", "run", str(path), "--out", str(run)]
    subprocess.run([*rapport, "--until", "filter"], check=True, capture_output=True)
    (found,) = leftovers.leftovers(str(run))
    assert (found.name, found.spare) == ("3-filter/measured", False)
    leftovers.remove(str(run), ["3-filter/measured"])
    done = subprocess.run([*rapport, "--until", "filter"], check=True, capture_output=True)
    assert done.stderr == b""  # the result stands: nothing is run


def test_clean_says_of_each_cache_what_its_removal_costs(run: Path) -> None:
    for name in ("measured", "signed", "cut", "against", "kept"):
        (run / "1-collect" / name).mkdir(exist_ok=True)
        (run / "1-collect" / name / "a").write_bytes(b"x" * 30)
    (run / "pages.sqlite").write_bytes(b"x" * 7)
    (run / "crawl-forum.log").write_bytes(b"x" * 5)
    found = {one.name: one for one in leftovers.leftovers(str(run))}
    costs = {name: found[name].cost for name in found if name.startswith(("1-", "pages", "crawl"))}
    assert costs == {
        "1-collect/measured": "another limit or criterion measures all rows again",
        "1-collect/signed": "another `dedup` setting signs all rows again",
        "1-collect/cut": "another choice cuts all rows again",
        "1-collect/against": "they are read and signed again",
        "pages.sqlite": "every page is fetched again",
        "crawl-*.log": "nothing",
    }
    assert [found[name].size for name in costs] == [30, 30, 30, 30, 7, 5]
    assert [name for name in costs if found[name].spare] == ["crawl-*.log"]
    gone = leftovers.remove(str(run), ["1-collect/cut"], spare=True)
    assert {"1-collect/cut", "crawl-*.log", "3-filter"} <= {one.name for one in gone}
    assert not (run / "1-collect" / "cut").exists()
    assert not (run / "crawl-forum.log").exists()
    assert (run / "1-collect" / "signed").is_dir()
    assert (run / "pages.sqlite").is_file()


def test_clean_needs_a_run_at_rest(run: Path, rapport: Rapport) -> None:
    import fcntl

    assert "There is no run in" in rapport("clean", run.parent / "nowhere")[2]
    with (run / ".lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        assert "Another rapport is at work" in rapport("clean", run, "--yes")[2]
    assert (run / "3-filter").is_dir()
