"""What every crawl keeps to, whatever the site: Scrapy's settings, one reason each."""

from __future__ import annotations

from typing import Any

SETTINGS: dict[str, Any] = {
    "CONCURRENT_REQUESTS": 1,  # one request at a time
    "CONCURRENT_REQUESTS_PER_DOMAIN": 1,
    "CONCURRENT_ITEMS": 1,  # Scrapy makes that many tasks for every page; our items need none
    "AUTOTHROTTLE_ENABLED": True,  # a slow site is asked less often
    "AUTOTHROTTLE_MAX_DELAY": 60,
    "ROBOTSTXT_OBEY": False,  # obeyed by spiders.crawl.Gate, which also honours Crawl-delay and 5xx answers
    "URLLENGTH_LIMIT": 0,  # what is not asked for is reported, and Scrapy is silent about long addresses
    "DOWNLOAD_VERIFY_CERTIFICATES": True,
    "COOKIES_ENABLED": False,  # nobody logs in
    "REFERER_ENABLED": False,
    "REDIRECT_MAX_TIMES": 5,
    "METAREFRESH_MAXDELAY": 5,
    "RETRY_HTTP_CODES": [429, 500, 502, 503, 504, 522, 524],
    "DEPTH_PRIORITY": 1,  # breadth first, in the order of the links: a budget cuts at the same page every time
    "SCHEDULER_MEMORY_QUEUE": "scrapy.squeues.FifoMemoryQueue",
    "DEFAULT_REQUEST_HEADERS": {"Accept": "text/html,application/json;q=0.9,*/*;q=0.8"},
    "TELNETCONSOLE_ENABLED": False,
    "LOG_LEVEL": "INFO",
    "LOGSTATS_INTERVAL": 60,
}
