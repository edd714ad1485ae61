"""Pages as MediaWiki renders them: a category of scenes with "next page" links, or with the API."""

from __future__ import annotations

import json
from urllib.parse import parse_qs, urlsplit

from tests.servers.site import Page

HEAD = (
    "<!DOCTYPE html><html><head><title>{title}</title>{api}</head>"
    '<body class="mediawiki ns-{ns}"><h1>{title}</h1>'
)
PER_LIST = 200  # MediaWiki's own number of members on one page of a category
AT_ONCE = 50  # members in one answer of the API


def page(title: str, content: str, ns: int = 0, api: str = "") -> str:
    """A page of a wiki. ns: its namespace. api: address of the API, if there is one."""
    link = ""
    if api:
        link = f'<link rel="EditURI" type="application/rsd+xml" href="{api}?action=rsd"/>'
    head = HEAD.format(title=title, ns=ns, api=link)
    return f'{head}<div class="mw-parser-output">{content}</div></body></html>'


def scene(number: int) -> str:
    """A scene of four lines that no other number gives."""
    lines = [("Ada", f"Is that lamp {number}?"), ("Ben", f"It is. It burns {number} hours.")]
    lines += [("Ada", "And then?"), ("Ben", f"Then we light lamp {number + 1}.")]
    return "<dl>" + "\n".join(f"<dd><b>{name}</b>: {text}</dd>" for name, text in lines) + "</dl>"


def category(count: int) -> dict[str, Page]:
    """A site of `count` pages with one scene each, 200 on each page of /wiki/Category:Lamps."""
    pages: dict[str, Page] = {"/robots.txt": "User-agent: *\nDisallow: /private/\n"}
    for start in range(0, count, PER_LIST):
        end = min(start + PER_LIST, count)
        links = [f'<li><a href="/wiki/Lamp_{n}">Lamp {n}</a></li>' for n in range(start, end)]
        onward = f'<a href="/wiki/Category:Lamps?from={end}">next page</a>' if end < count else ""
        listed = f'<div id="mw-pages">{onward}<ul>{"".join(links)}</ul></div>'
        query = f"?from={start}" if start else ""
        pages[f"/wiki/Category:Lamps{query}"] = page("Category:Lamps", listed, 14)
        pages |= {f"/wiki/Lamp_{n}": page(f"Lamp {n}", scene(n)) for n in range(start, end)}
    return pages


def with_api(title: str, count: int) -> dict[str, Page]:
    """A category of that title in a wiki with an API.

    The API lists 50 members at a time and renders their scenes.
    """

    def api(path: str) -> str:
        ask = {name: values[0] for name, values in parse_qs(urlsplit(path).query).items()}
        if ask["action"] == "parse":
            number = int(ask["pageid"]) - 1
            parsed = {"title": f"Lamp {number}", "revid": 1, "text": scene(number)}
            return json.dumps({"parse": parsed})
        if ask["gcmtitle"] != title:
            return json.dumps({"error": {"code": "invalidcategory"}})
        start = int(ask.get("gcmcontinue", "0"))
        end = min(start + AT_ONCE, count)
        found = [
            {"pageid": n + 1, "ns": 0, "title": f"Lamp {n}", "fullurl": f"/wiki/Lamp_{n}"}
            for n in range(start, end)
        ]
        answer: dict[str, object] = {"query": {"pages": found}}
        if end < count:
            answer["continue"] = {"gcmcontinue": str(end), "continue": "gcmcontinue||"}
        return json.dumps(answer)

    config = json.dumps({"wgPageName": title, "wgNamespaceNumber": 14})
    script = f"<script>RLCONF={config};</script>"
    return {"/wiki/List": page(title, script, 14, api="/w/api.php"), "/w/api.php?*": api}
