"""Runs one crawl: `python -m spiders.crawl`, started by `pipeline/collect/web.py`.

The job comes as one line of JSON on standard input, which then stays open: when it closes, the
process that asked is gone, and the crawl ends at once. What is fetched and found goes into
`pages.sqlite`; standard error is the log.
"""

from __future__ import annotations

import json
import os
import sys
import threading

from scrapy import Spider
from scrapy.crawler import CrawlerProcess
from scrapy.utils.misc import load_object

from pipeline import UserError
from spiders.contract import CrawlJob
from spiders.crawl.access import host_and_port
from spiders.crawl.locks import alone
from spiders.crawl.settings import scrapy_settings


def follow_parent() -> None:
    """Ends this process when standard input closes: nobody waits for the crawl any more."""
    sys.stdin.read()
    os._exit(1)


def main() -> None:
    job: CrawlJob = json.loads(sys.stdin.readline())
    threading.Thread(target=follow_parent, daemon=True).start()
    spider: type[Spider] = load_object(job["spider"])
    try:
        with alone({*map(host_and_port, job["start"])}):
            process = CrawlerProcess(scrapy_settings(job))
            process.crawl(spider, start_urls=job["start"], options=job["options"])
            process.start()
    except UserError as error:
        sys.exit(str(error))  # the last line of the log, which the user reads


if __name__ == "__main__":
    main()
