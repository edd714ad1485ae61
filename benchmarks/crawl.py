"""A crawl of 2,000 loopback pages, killed three times: Rapport beside Scrapy with its own JOBDIR.

    python -m benchmarks.crawl

Both crawl the same category of a wiki with one request at a time and no delay, and are killed with
SIGKILL when the site has answered about 500, 1,000 and 1,500 pages in all. Counted at the site and
in what was collected. Fetched twice are pages that were on their way when the crawl was killed;
what is stored is never fetched again (tests/test_web.py).
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from tests.servers import wiki
from tests.servers.site import Site, serving

PAGES = 2000
KILLS = (500, 1000, 1500)
ROOT = Path(__file__).parents[1]

RAPPORT = """
import sys
from pathlib import Path
from pipeline import collect
from pipeline.recipe.collect import CollectSettings
source = {"name": "lamps", "spider": "mediawiki", "start": [sys.argv[1]]}
source |= {"license": "CC0-1.0", "crawl": {"delay": 0, "private": True}}
settings = CollectSettings.model_validate({"sources": [source]})
state = Path(sys.argv[2])
for unit in collect.units(settings, state):
    with (state / "rows").open("w") as out:
        for row in collect.read(unit, settings, state):
            out.write(row.messages[0].content + "\\n")
"""
JOBDIR = """
import sys
from pathlib import Path
import scrapy
from scrapy.crawler import CrawlerProcess

class Lamps(scrapy.Spider):
    name = "lamps"
    start_urls = [sys.argv[1]]
    def parse(self, response):
        yield from response.follow_all(response.css("#mw-pages a"))
        for line in response.css("dd:first-child::text").getall():
            yield {"line": line.removeprefix(": ")}

state = Path(sys.argv[2])
feed = {"format": "csv", "fields": ["line"], "overwrite": False}
feed |= {"item_export_kwargs": {"include_headers_line": False}}
process = CrawlerProcess({
    "JOBDIR": str(state / "job"),
    "FEEDS": {str(state / "rows"): feed},
    "CONCURRENT_REQUESTS": 1,
    "DOWNLOAD_DELAY": 0,
    "ROBOTSTXT_OBEY": True,
    "TELNETCONSOLE_ENABLED": False,
    "LOG_LEVEL": "ERROR",
})
process.crawl(Lamps)
process.start()
"""


def begin(program: str, site: Site, state: Path) -> subprocess.Popen[bytes]:
    start = f"{site.address}/wiki/Category:Lamps"
    return subprocess.Popen(
        [sys.executable, "-c", program, start, str(state)], cwd=ROOT, stderr=subprocess.DEVNULL
    )


def killed(program: str, site: Site, state: Path) -> None:
    """Three runs that end by SIGKILL, and one to its end."""
    for goal in KILLS:
        crawl = begin(program, site, state)
        while len(site.asked) < goal and crawl.poll() is None:
            time.sleep(0.01)
        crawl.kill()
        crawl.wait()
        time.sleep(0.5)
    begin(program, site, state).wait()


def measured(name: str, program: str, run: Callable[[str, Site, Path], object]) -> None:
    with serving(wiki.category(PAGES)) as site, tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        run(program, site, Path(folder))
        seconds = time.perf_counter() - start
        rows = Counter((Path(folder) / "rows").read_text().splitlines())
        fetched = Counter(path for path in site.asked if path.startswith("/wiki/Lamp_"))
    figures = {
        "collected": len(rows),
        "lost": PAGES - len(rows),
        "twice": sum(count > 1 for count in rows.values()),
        "fetched twice": sum(count > 1 for count in fetched.values()),
        "seconds": round(seconds, 1),
    }
    print(f"{name:<34} {json.dumps(figures)}", flush=True)


def undisturbed(program: str, site: Site, state: Path) -> None:
    begin(program, site, state).wait()


if __name__ == "__main__":
    for name, program in (("rapport", RAPPORT), ("scrapy with JOBDIR", JOBDIR)):
        measured(f"{name}, undisturbed", program, undisturbed)
        measured(f"{name}, SIGKILL three times", program, killed)
