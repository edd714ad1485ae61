"""Runs one crawl: `python -m spiders.crawl`, started by `pipeline/collect/web.py`.

The job comes as one line of JSON on standard input, which then stays open: when it closes, the
process that asked is gone, and the crawl ends at once. What is fetched and found goes into
`pages.sqlite`; standard error is the log.
"""

from __future__ import annotations

import fcntl
import json
import os
import re
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from scrapy import Spider
from scrapy.crawler import CrawlerProcess
from scrapy.utils.misc import load_object

from spiders.contract import CrawlJob
from spiders.crawl.access import host_and_port
from spiders.crawl.settings import scrapy_settings


def follow_parent() -> None:
    """Ends this process when standard input closes: nobody waits for the crawl any more."""
    sys.stdin.read()
    os._exit(1)


@contextmanager
def alone(hosts: set[str]) -> Iterator[None]:
    """Waits until no other crawl of this user on this machine asks the same hosts."""
    folder = Path(tempfile.gettempdir()) / f"rapport-crawls-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    with ExitStack() as locks:
        for host in sorted(hosts - {"file:"}):
            lock = locks.enter_context((folder / re.sub(r"[^\w.-]", "_", host)).open("w"))
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def main() -> None:
    job: CrawlJob = json.loads(sys.stdin.readline())
    threading.Thread(target=follow_parent, daemon=True).start()
    spider: type[Spider] = load_object(job["spider"])
    with alone({*map(host_and_port, job["start"])}):
        process = CrawlerProcess(scrapy_settings(job))
        process.crawl(spider, start_urls=job["start"], options=job["options"])
        process.start()


if __name__ == "__main__":
    main()
