"""The server of `rapport look`, asked over a socket as a browser and an attacker would."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest

from pipeline.look import server
from pipeline.look.subject import subject
from tests.looking import RIGHT_TO_LEFT, SCRIPT, Client, served

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def client(looked_run: Path) -> Iterator[Client]:
    with served(looked_run) as found:
        yield found


def api(client: Client, route: str) -> str:
    return f"/{client.server.token}/api/{route}"


def test_it_listens_on_this_machine_alone(client: Client) -> None:
    assert client.server.server_address[0] == "127.0.0.1"
    assert len(client.server.token) >= 32


def test_it_listens_before_anything_large_is_imported(looked_run: Path) -> None:
    code = (
        "import sys, time; from pathlib import Path; from pipeline.look.subject import subject;"
        "from pipeline.look.server import LookServer;"
        "LookServer(subject(Path(sys.argv[1]), Path('x')), 'anna');"
        "print(time.process_time(), 'pyarrow' in sys.modules, 'numpy' in sys.modules)"
    )
    command = [sys.executable, "-c", code, str(looked_run)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=True)
    seconds, *heavy = done.stdout.split()
    assert heavy == ["False", "False"]
    assert float(seconds) < 0.4


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "evil.example"},
        {"Host": "127.0.0.1"},
        {"Host": "127.0.0.1:1"},
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
    ],
)
def test_another_host_or_origin_is_refused(client: Client, headers: dict[str, str]) -> None:
    status, _, body = client.raw(api(client, "about"), headers)
    assert status == 403
    assert "error" in json.loads(body)


@pytest.mark.parametrize("path", ["/", "/api/about", "/wrong/api/about", "//api/about", "/x"])
def test_without_the_token_nothing_is_answered(client: Client, path: str) -> None:
    status, _, body = client.raw(path)
    assert status == 403
    assert client.server.token.encode() not in body


@pytest.mark.parametrize(
    "name",
    ["../server.py", "..%2fserver.py", "%2e%2e/server.py", "/etc/passwd", "a\\..\\b", "api/../x"],
)
def test_no_path_leads_elsewhere(client: Client, name: str) -> None:
    with socket.create_connection(("127.0.0.1", client.server.port), timeout=10) as connection:
        head = f"GET /{client.server.token}/{name} HTTP/1.1\r\nConnection: close\r\n"
        connection.sendall(f"{head}Host: 127.0.0.1:{client.server.port}\r\n\r\n".encode())
        answer = b"".join(iter(lambda: connection.recv(4096), b""))
    assert answer.split()[1] == b"404"
    assert b"class " not in answer
    assert b"root:" not in answer


def test_the_page_may_load_nothing_from_elsewhere(
    looked_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "PAGE", tmp_path)
    (tmp_path / "index.html").write_text("<!doctype html>")
    (tmp_path / "secret.key").write_text("secret")
    with served(looked_run) as one:
        status, headers, body = one.raw(f"/{one.server.token}/")
        assert (status, body) == (200, b"<!doctype html>")
        assert "default-src 'none'" in headers["Content-Security-Policy"]
        assert "unsafe" not in headers["Content-Security-Policy"]
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Referrer-Policy"] == "no-referrer"
        assert one.raw(f"/{one.server.token}/secret.key")[0] == 404


def test_a_body_must_be_a_json_object(client: Client) -> None:
    path = api(client, "review")
    kinds = [({"Content-Type": "text/plain"}, b"{}"), ({"Content-Type": "application/json"}, b"[]")]
    for headers, body in kinds:
        assert client.raw(path, headers, body)[0] == 400
    large = {"Content-Type": "application/json", "Content-Length": str(1 << 30)}
    assert client.raw(path, large, b"{}")[0] == 400


def test_every_view_has_an_answer(client: Client) -> None:
    about = client.get("about")
    assert about["outcomes"] == {"quarantined": 2, "dropped": 7, "kept": 19}
    assert {one["name"] for one in about["facets"]} >= {"source", "rule", "split", "emotion"}
    assert about["rules"]["safety.minor"]["fixed"]
    assert {stage["state"] for stage in client.get("progress")["stages"]} == {"done"}
    assert client.get("funnel")["stages"][0]["stage"] == "collect"
    assert client.get("side", where=["source=forum"])["count"] == 21
    (row,) = client.get("rows", find="as an ai")["rows"]
    assert client.get("row", id=row["id"])["reason"] == "style.assistant"
    assert client.get("life", id=row["id"])["stages"][-1]["outcome"] == "dropped"
    assert client.get("pairs")["count"] == 1
    assert client.get("whatif", rule="structure.turns", limit="7")["newly_dropped"] == 21
    assert client.get("review")["people"] == {}
    assert client.get("agreement")["raters"] == []


def test_foreign_texts_pass_through_json_unchanged(client: Client) -> None:
    for text in (SCRIPT, RIGHT_TO_LEFT):
        (row,) = client.get("rows", find=text)["rows"]
        assert client.get("row", id=row["id"])["messages"][3]["text"] == text


@pytest.mark.parametrize(
    ("route", "sentence"),
    [
        ("rows?where=x%3D1", "nothing of that name"),
        ("rows?limit=many", "whole number"),
        ("rows?find=(&regex=1", "not a pattern"),
        ("row", "`id` is missing"),
        ("row?id=nothing", "no conversation"),
        ("whatif?rule=turns", "Nothing is stored"),
        ("whatif?rule=structure.turns&limit=x", "a number is expected"),
        ("compare?with=../../etc", "no run or dataset"),
        ("export?to=exe", "there are jsonl"),
        ("rows?where=newly_dropped%3Dx", "RULE@LIMIT"),
        ("rows?where=moved%3Dx", "kept>dropped@RUN"),
    ],
)
def test_a_mistake_is_answered_in_words(client: Client, route: str, sentence: str) -> None:
    status, _, body = client.raw(api(client, route))
    assert status == 400
    assert sentence in json.loads(body)["error"]


def test_an_unknown_route_is_not_found(client: Client) -> None:
    assert client.raw(api(client, "nothing"))[0] == 404
    assert client.raw(f"/{client.server.token}/nothing.js")[0] == 404


def test_hits_come_line_by_line(client: Client) -> None:
    _, headers, body = client.raw(api(client, "search?find=harbour"))
    assert headers["Content-Type"] == "application/x-ndjson"
    lines = [json.loads(line) for line in body.splitlines()]
    assert len(lines) > 2
    assert lines[-1]["done"]
    ids = [one for line in lines for one in line["ids"]]
    assert len(ids) == lines[-1]["count"] == 5


def test_who_leaves_a_search_does_not_disturb_others(client: Client) -> None:
    for _ in range(3):
        address = ("127.0.0.1", client.server.port)
        with socket.create_connection(address, timeout=10) as connection:
            line = f"GET {api(client, 'search?find=you')} HTTP/1.1\r\n"
            connection.sendall(f"{line}Host: 127.0.0.1:{client.server.port}\r\n\r\n".encode())
            connection.recv(10)
    assert client.get("rows", find="you")["count"] > 20


def test_a_selection_is_exported(client: Client) -> None:
    where = quote("reason=style.placeholder")
    _, headers, body = client.raw(api(client, f"export?to=jsonl&where={where}"))
    assert "attachment" in headers["Content-Disposition"]
    (record,) = (json.loads(line) for line in body.splitlines())
    assert "[Your Name]" in record["messages"][3]["content"]
    assert client.raw(api(client, "export?to=parquet"))[2][:4] == b"PAR1"
    assert client.raw(api(client, "export?to=csv"))[2].count(b"\r\n") == 29


def test_a_run_that_is_not_there_is_answered_in_words(tmp_path: Path) -> None:
    (tmp_path / "recipe.yaml").write_text("name: gone\n")
    with served(tmp_path) as one:
        (tmp_path / "recipe.yaml").unlink()
        deadline = time.monotonic() + 10
        while not one.server.problem and time.monotonic() < deadline:
            one.get("progress")
            time.sleep(0.2)
        assert "no run" in one.get("about").get("error", one.server.problem)


def test_an_address_of_a_folder_that_is_no_run_is_refused(tmp_path: Path) -> None:
    from pipeline import UserError

    with pytest.raises(UserError, match="neither a run nor a published dataset"):
        subject(tmp_path, tmp_path)
