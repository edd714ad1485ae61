"""What every crawl keeps to, whatever the site: Scrapy's settings, one reason each."""

from __future__ import annotations

from spiders.contract import CrawlJob

MIDDLEWARES = {
    "spiders.crawl.access.RequestFilter": 50,
    "spiders.crawl.cache.PageCache": 900,
    "spiders.crawl.delay.CrawlDelay": 950,
}
SETTINGS: dict[str, object] = {
    "CONCURRENT_REQUESTS": 1,  # one request at a time
    "CONCURRENT_REQUESTS_PER_DOMAIN": 1,
    "CONCURRENT_ITEMS": 1,  # Scrapy makes that many tasks for every page; our items need none
    "AUTOTHROTTLE_MAX_DELAY": 60,
    "ROBOTSTXT_OBEY": False,  # RequestFilter obeys it, with Crawl-delay and 5xx answers
    "URLLENGTH_LIMIT": 0,  # every refused address is reported, and Scrapy is silent about long ones
    "DOWNLOAD_VERIFY_CERTIFICATES": True,
    "DOWNLOAD_WARNSIZE": 0,
    "COOKIES_ENABLED": False,  # no crawl logs in
    "REFERER_ENABLED": False,
    "REDIRECT_MAX_TIMES": 5,
    "METAREFRESH_MAXDELAY": 5,
    "RETRY_HTTP_CODES": [429, 500, 502, 503, 504, 522, 524],
    # breadth first, in the order of the links: a budget cuts at the same page every time
    "DEPTH_PRIORITY": 1,
    "SCHEDULER_MEMORY_QUEUE": "scrapy.squeues.FifoMemoryQueue",
    "DEFAULT_REQUEST_HEADERS": {"Accept": "text/html,application/json;q=0.9,*/*;q=0.8"},
    "DOWNLOADER_MIDDLEWARES": MIDDLEWARES,
    "SPIDER_MIDDLEWARES": {"spiders.crawl.recorder.FindRecorder": 950},
    "TWISTED_DNS_RESOLVER": "spiders.crawl.access.Resolver",
    "TELNETCONSOLE_ENABLED": False,
    "LOG_LEVEL": "INFO",
    "LOGSTATS_INTERVAL": 60,
}


def scrapy_settings(job: CrawlJob) -> dict[str, object]:
    """Scrapy's settings for one crawl."""
    limits = job["limits"]
    return SETTINGS | {
        "JOB": job,
        "USER_AGENT": job["agent"],
        "DOWNLOAD_DELAY": limits["delay"],
        "AUTOTHROTTLE_ENABLED": limits["delay"] > 0,  # a slow site is asked less often
        "AUTOTHROTTLE_START_DELAY": limits["delay"],
        "DOWNLOAD_TIMEOUT": limits["timeout"],
        "RETRY_TIMES": limits["retries"],
        "DOWNLOAD_MAXSIZE": limits["page_bytes"],
    }
