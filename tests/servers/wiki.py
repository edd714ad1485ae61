"""Pages as MediaWiki renders them: a category of scenes, with "next page" links, and the API beside it when wanted."""

from __future__ import annotations

import json
from urllib.parse import parse_qs, urlsplit

from tests.servers.site import Page

HEAD = '<!DOCTYPE html><html><head><title>{title}</title>{api}</head><body class="mediawiki ns-{ns}"><h1>{title}</h1>'
PER_LIST = 200  # MediaWiki's own number of members on one page of a category


def page(title: str, content: str, ns: int = 0, api: str = "") -> str:
    link = (
        f'<link rel="EditURI" type="application/rsd+xml" href="{api}?action=rsd"/>' if api else ""
    )
    return (
        HEAD.format(title=title, ns=ns, api=link)
        + f'<div class="mw-parser-output">{content}</div></body></html>'
    )


def scene(number: int) -> str:
    """A scene of four lines that no other number gives."""
    lines = [("Ada", f"Is that lamp {number}?"), ("Ben", f"It is. It burns {number} hours.")]
    lines += [("Ada", "And then?"), ("Ben", f"Then we light lamp {number + 1}.")]
    return "<dl>" + "\n".join(f"<dd><b>{name}</b>: {text}</dd>" for name, text in lines) + "</dl>"


def category(count: int) -> dict[str, Page]:
    """A site of `count` pages with one scene each, listed 200 at a time from /wiki/Category:Lamps."""
    pages: dict[str, Page] = {"/robots.txt": "User-agent: *\nDisallow: /private/\n"}
    for start in range(0, count, PER_LIST):
        numbers = range(start, min(start + PER_LIST, count))
        links = "".join(f'<li><a href="/wiki/Lamp_{n}">Lamp {n}</a></li>' for n in numbers)
        onward = f'<a href="/wiki/Category:Lamps?from={start + PER_LIST}">next page</a>'
        listed = (
            f'<div id="mw-pages">{onward if start + PER_LIST < count else ""}<ul>{links}</ul></div>'
        )
        pages["/wiki/Category:Lamps" + (f"?from={start}" if start else "")] = page(
            "Category:Lamps", listed, 14
        )
        pages |= {f"/wiki/Lamp_{n}": page(f"Lamp {n}", scene(n)) for n in numbers}
    return pages


def with_api(title: str, count: int) -> dict[str, Page]:
    """A category of that title in a wiki with an API, which lists 50 members at a time and renders their scenes."""

    def api(path: str) -> str:
        ask = {name: values[0] for name, values in parse_qs(urlsplit(path).query).items()}
        if ask["action"] == "parse":
            number = int(ask["pageid"]) - 1
            return json.dumps(
                {"parse": {"title": f"Lamp {number}", "revid": 1, "text": scene(number)}}
            )
        if ask["gcmtitle"] != title:
            return json.dumps({"error": {"code": "invalidcategory"}})
        start = int(ask.get("gcmcontinue", "0"))
        numbers = range(start, min(start + 50, count))
        found = [
            {"pageid": n + 1, "ns": 0, "title": f"Lamp {n}", "fullurl": f"/wiki/Lamp_{n}"}
            for n in numbers
        ]
        more = (
            {"continue": {"gcmcontinue": str(start + 50), "continue": "gcmcontinue||"}}
            if start + 50 < count
            else {}
        )
        return json.dumps({"query": {"pages": found}} | more)

    script = (
        f"<script>RLCONF={json.dumps({'wgPageName': title, 'wgNamespaceNumber': 14})};</script>"
    )
    return {"/wiki/List": page(title, script, 14, api="/w/api.php"), "/w/api.php?*": api}
