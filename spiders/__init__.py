"""Spiders: one for each kind of site software, and what runs them (`crawl/`). See README.md."""
