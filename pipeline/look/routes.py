"""The routes of the API: what each is given, and what it answers. The contract is in README.md."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple, cast

import numpy as np
import orjson

from pipeline import UserError
from pipeline.look import (
    about,
    blind,
    compare,
    decisions,
    export,
    funnel,
    life,
    pairs,
    query,
    rows,
    search,
    shown,
    side,
    whatif,
)
from pipeline.look.selection import Parameters, Selection, one, selection, whole
from pipeline.look.state import Look

PAGE = 200  # rows at most
FIRST = 50  # ids that a search gives early
STEP = 8  # files that are searched between two lines


@dataclass(frozen=True)
class HttpAnswer:
    """What is sent. body: whole, or piece by piece. name: of a file that is to be stored."""

    body: bytes | Iterator[bytes]
    kind: str = "application/json"
    status: int = 200
    name: str = ""


class HttpRequest(NamedTuple):
    """parameters: of the address. body: of a POST, its JSON."""

    look: Look
    parameters: Parameters
    body: dict[str, object]

    def one(self, name: str) -> str:
        return one(self.parameters, name)

    def needed(self, name: str) -> str:
        """Raises UserError where it is not given."""
        found = self.one(name)
        if not found:
            raise UserError(f"`{name}` is missing.")
        return found

    def page(self, limit: int) -> tuple[int, int]:
        """Offset and limit."""
        most = whole(self.parameters, "limit", limit, PAGE)
        return whole(self.parameters, "offset", 0), most


def answer(method: str, route: str, request: HttpRequest) -> HttpAnswer | None:
    """None where there is no such route. A mistake of the user's is an answer too."""
    found = ROUTES.get((method, route))
    if found is None:
        return None
    try:
        return found(request)
    except decisions.NothingToUndo as error:
        return mistake(str(error), 409)
    except UserError as error:
        return mistake(str(error), 400)


def mistake(sentence: str, status: int) -> HttpAnswer:
    return HttpAnswer(orjson.dumps({"error": sentence}), status=status)


def _json(value: object) -> HttpAnswer:
    return HttpAnswer(orjson.dumps(value, option=orjson.OPT_SERIALIZE_NUMPY))


def _side(request: HttpRequest) -> HttpAnswer:
    return _json(side.side_bar(request.look, selection(request.parameters)))


def _rows(request: HttpRequest) -> HttpAnswer:
    offset, limit = request.page(FIRST)
    return _json(rows.page(request.look, selection(request.parameters), offset, limit))


def _search(request: HttpRequest) -> HttpAnswer:
    asked = selection(request.parameters)
    if not asked.find:
        raise UserError("`find` is missing.")
    what = search.needle(asked.find, asked.regex)
    return HttpAnswer(_search_lines(request.look, what, asked), "application/x-ndjson")


def _search_lines(look: Look, what: search.Needle, asked: Selection) -> Iterator[bytes]:
    """A line for each file that has it, and for every eighth; the rest is left where nobody reads
    on."""
    frame = look.frame
    files, count, shown = len(frame.origins), 0, 0
    within = query.clauses(look, frame, asked).without()
    for done, found in enumerate(look.searches.rows(frame, what, within), 1):
        first = [frame.columns.id(row) for row in found[: FIRST - shown].tolist()]
        count, shown = count + len(found), shown + len(first)
        if first or done % STEP == 0:
            yield _line(done, files, count, first, False)
    yield _line(files, files, count, [], True)


def _line(parts: int, of: int, count: int, ids: list[str], done: bool) -> bytes:
    record = {"parts": parts, "of": of, "count": count, "ids": ids, "done": done}
    return orjson.dumps(record) + b"\n"


def _row(request: HttpRequest) -> HttpAnswer:
    return _json(shown.shown(request.look, request.needed("id"), request.one("stage")))


def _message(request: HttpRequest) -> HttpAnswer:
    index = whole(request.parameters, "index", 0)
    return _json({"text": shown.whole_text(request.look, request.needed("id"), index)})


def _life(request: HttpRequest) -> HttpAnswer:
    return _json(life.life_line(request.look, request.needed("id")))


def _pairs(request: HttpRequest) -> HttpAnswer:
    offset, limit = request.page(20)
    return _json(pairs.pairs_page(request.look, selection(request.parameters), offset, limit))


def _pair(request: HttpRequest) -> HttpAnswer:
    return _json(pairs.pair_page(request.look, request.needed("id"), request.needed("partner")))


def _what_if(request: HttpRequest) -> HttpAnswer:
    look, rule = request.look, request.one("rule")
    if not rule:
        return _json({"rules": whatif.choices(look)})
    asked = selection(request.parameters)
    limited = bool(asked.where or asked.find or asked.sample)
    chosen = query.chosen_rows(look, look.frame, asked) if limited else None
    return _json(whatif.what_if(look, rule, _number(request.one("limit")), chosen))


def _number(text: str) -> float | None:
    try:
        found = float(text) if text else None
    except ValueError:
        found = float("nan")
    if found is not None and not np.isfinite(found):
        raise UserError(f"limit={text}: a number is expected.")
    return found


def _compare(request: HttpRequest) -> HttpAnswer:
    return _json(compare.comparison(request.look, request.needed("with")))


def _review(request: HttpRequest) -> HttpAnswer:
    return _json(decisions.decide(request.look, cast("decisions.DecisionAsked", request.body)))


def _review_state(request: HttpRequest) -> HttpAnswer:
    return _json(decisions.state(request.look, request.one("who")))


def _undo(request: HttpRequest) -> HttpAnswer:
    return _json(decisions.undo(request.look, request.body.get("who")))


def _blind(request: HttpRequest) -> HttpAnswer:
    names = [name for name in request.one("criteria").split(",") if name]
    asked = selection(request.parameters)
    return _json(blind.next_row(request.look, request.one("who"), names, asked))


def _rate(request: HttpRequest) -> HttpAnswer:
    return _json(blind.rate(request.look, cast("blind.RatingAsked", request.body)))


def _next_pair(request: HttpRequest) -> HttpAnswer:
    asked = selection(request.parameters)
    return _json(blind.next_pair(request.look, request.one("who"), asked))


def _choose(request: HttpRequest) -> HttpAnswer:
    return _json(blind.choose(request.look, cast("blind.ChoiceAsked", request.body)))


def _export(request: HttpRequest) -> HttpAnswer:
    look, form = request.look, request.one("to") or "jsonl"
    frame = look.frame
    asked = selection(request.parameters)
    chosen = query.ordered(look, frame, query.chosen_rows(look, frame, asked), asked, 0, frame.rows)
    name = f"{look.subject.name}.{form}"
    if form == "csv":
        return HttpAnswer(export.csv_lines(frame, chosen), "text/csv; charset=utf-8", name=name)
    if form == "jsonl":
        return HttpAnswer(export.jsonl(frame, chosen), "application/x-ndjson", name=name)
    if form != "parquet":
        raise UserError(f"to={form}: there are {', '.join(export.FORMS)}.")
    with TemporaryDirectory(prefix="rapport-") as folder:
        path = Path(folder, name)
        export.parquet(frame, chosen, path)
        return HttpAnswer(path.read_bytes(), "application/vnd.apache.parquet", name=name)


Route = Callable[[HttpRequest], HttpAnswer]
ROUTES: dict[tuple[str, str], Route] = {
    ("GET", "about"): lambda request: _json(about.about(request.look)),
    ("GET", "progress"): lambda request: _json(about.progress(request.look)),
    ("GET", "funnel"): lambda request: _json(funnel.funnel_page(request.look)),
    ("GET", "side"): _side,
    ("GET", "rows"): _rows,
    ("GET", "search"): _search,
    ("GET", "row"): _row,
    ("GET", "message"): _message,
    ("GET", "life"): _life,
    ("GET", "pairs"): _pairs,
    ("GET", "pair"): _pair,
    ("GET", "whatif"): _what_if,
    ("GET", "compare"): _compare,
    ("GET", "review"): _review_state,
    ("POST", "review"): _review,
    ("POST", "undo"): _undo,
    ("GET", "blind"): _blind,
    ("POST", "rate"): _rate,
    ("GET", "ab"): _next_pair,
    ("POST", "ab"): _choose,
    ("GET", "agreement"): lambda request: _json(blind.agreement(request.look)),
    ("GET", "export"): _export,
}
