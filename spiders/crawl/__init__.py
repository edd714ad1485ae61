"""One crawl, in a process of its own: `python -m spiders.crawl`. Only here is Scrapy run.

request ──> RequestFilter ──> PageCache ──> CrawlDelay ──> the site
            may it be sent?   stored?       when?            │
spider  <───────────────────  stored first  <────────────────┘
  └──> FindRecorder ──> pages.sqlite
"""
