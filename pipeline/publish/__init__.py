"""The last stage: cut by what was measured, choose the best, split without leaks, write Parquet and
the card.

work(part, settings) -> rows, or Drop             which rows may be published (cut.py)
listed(table) -> table                            what choosing must know of them (listing.py)
chosen(tables, settings) -> reasons, Choice       which of them are not the best (choose.py)
splits(tables, settings, seed) -> names           the split of every row (split.py)
write(tables, placed, create) -> Summary          the files that `datasets.load_dataset` reads
release.refusals(summary, settings) -> sentences  why it may not be released
card.card(name, summary, funnel, refused) -> README.md     the dataset card
"""

from pipeline.publish.cut import work
from pipeline.publish.files import splits, write

__all__ = ["splits", "work", "write"]
