"""A run that is looked at: made once, of ordinary and of hostile rows, and copied by who changes
it."""

from __future__ import annotations

import json
import shutil
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Thread
from typing import Any

from pipeline.cli.execute import execute
from pipeline.look.server import LookServer
from pipeline.look.state import Look
from pipeline.look.subject import subject
from pipeline.recipe.loading import load
from tests.rows import talk

RECIPE = """
name: looked-at
collect:
  sources:
    - {name: forum, files: [forum.jsonl], license: CC0-1.0}
    - {name: letters, files: [letters.jsonl], license: MIT}
filter: {privacy: mask, repairs: {markup: false, characters: false}}
publish: {cut: {questions: {min: 0.05}}}
"""
SCRIPT = "<script>alert('kettle')</script> & <b onmouseover=x>bold</b>, is it?"
RIGHT_TO_LEFT = "‮שלום, מה שלומך היום?‬"
ESCAPE = "\x1b]0;owned\x07\x1b[31mred\x1b[0m \x9b31m, is that so?"
EMOJI = "😀 I will be at the harbour, as an AI language model I have no body."
LONG = "A very long sentence, again and again. " * 5_200  # 200 kB
MINOR = "I am fifteen years old and I live with my parents, you know."
PLACEHOLDER = "My name is [Your Name] and I like {{user}} very much."
MAIL = "Write to me at robin.kettle@gmail.com when you are home."


def _record(number: int, **more: object) -> dict[str, object]:
    texts = talk(number)
    for place, text in dict(more.pop("texts", {})).items():  # type: ignore[call-overload]
        texts[place] = text
    roles = ("user", "assistant")
    messages = [{"role": roles[n % 2], "content": text} for n, text in enumerate(texts)]
    return {"id": f"talk-{number}", "messages": messages, **more}


def _forum() -> list[dict[str, object]]:
    plain = [_record(number) for number in range(12)]
    hostile = (SCRIPT, RIGHT_TO_LEFT, ESCAPE, EMOJI, LONG, MINOR, PLACEHOLDER, MAIL)
    return plain + [_record(20 + n, texts={3: text}) for n, text in enumerate(hostile)]


def _letters() -> list[dict[str, object]]:
    """Ordinary ones, a near-duplicate of the forum's third, and one without any question."""
    texts = [text.replace("?", ".") for text in talk(44)]
    unasked = _record(44, texts=dict(enumerate(texts)))
    near = _record(2, texts={5: talk(2)[5].replace("laugh", "smile")})
    return [*(_record(number) for number in range(40, 44)), unasked, near]


def make_run(folder: Path) -> Path:
    """Run the recipe; returns the folder of the run."""
    for name, records in (("forum", _forum()), ("letters", _letters())):
        lines = [json.dumps(record, ensure_ascii=False) for record in records]
        (folder / f"{name}.jsonl").write_text("\n".join([*lines, "{not json"]) + "\n", "utf-8")
    (folder / "recipe.yaml").write_text(RECIPE, "utf-8")
    run_again(folder)
    return folder / "out"


def run_again(folder: Path, last: str | None = None) -> None:
    execute(load(folder / "recipe.yaml"), str(folder / "out"), 1, last=last)


def copied(run: Path, folder: Path) -> Path:
    """The run with its recipe and files, in a folder of its own."""
    shutil.copytree(run.parent, folder, dirs_exist_ok=True)
    return folder / "out"


def looked_at(path: Path, who: str = "anna") -> Look:
    look = Look(subject(path, path.parent / "cache"), who)
    look.index.refresh()
    return look


def id_of(look: Look, text: str) -> str:
    """The first row with a text in it."""
    from pipeline.look import rows
    from pipeline.look.selection import Selection

    return rows.page(look, Selection(find=text), 0, 1)["rows"][0]["id"]


@dataclass
class Client:
    """Asks a server as the page does."""

    server: LookServer

    def raw(
        self, path: str, headers: Mapping[str, str] | None = None, body: bytes | None = None
    ) -> tuple[int, Mapping[str, str], bytes]:
        """Status, headers and body of an address below the server's."""
        address = f"http://127.0.0.1:{self.server.port}{path}"
        request = urllib.request.Request(address, body, dict(headers or {}))
        try:
            with urllib.request.urlopen(request, timeout=20) as answer:
                return answer.status, answer.headers, answer.read()
        except urllib.error.HTTPError as error:
            return error.code, error.headers, error.read()

    def get(self, route: str, **parameters: object) -> Any:
        """What a route answers; for a mistake its sentence."""
        query = urllib.parse.urlencode(parameters, doseq=True)
        _, _, body = self.raw(f"/{self.server.token}/api/{route}?{query}")
        return json.loads(body)

    def post(self, route: str, **values: object) -> tuple[int, Any]:
        body = json.dumps(values).encode()
        headers = {"Content-Type": "application/json"}
        status, _, answer = self.raw(f"/{self.server.token}/api/{route}", headers, body)
        return status, json.loads(answer)


@contextmanager
def served(path: Path, who: str = "anna") -> Iterator[Client]:
    """A real server on 127.0.0.1."""
    with LookServer(subject(path, path.parent / "cache"), who) as server:
        threads = [Thread(target=one, daemon=True) for one in (server.load, server.serve_forever)]
        for thread in threads:
            thread.start()
        yield Client(server)
        server.shutdown()
        for thread in threads:
            thread.join(20)
