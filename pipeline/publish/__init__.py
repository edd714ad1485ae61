"""The last stage: cut by what was measured, choose the best, split without leaks, write Parquet and
the card.

work(part, settings) -> rows, or Drop             which rows may be published (cut.py)
listed(table) -> table                            what choosing must know of them (listing.py)
chosen(tables, settings) -> reasons, Choice       which of them are not the best (choose.py)
related.keys(rows) -> table                       what rows may have in common (related.py)
split.placed(tables, settings, seed) -> Placement    the split of every row (split.py)
CONFIGS                                           what is made of a row, for whom (configs/)
files.write(config, parts, placed, …) -> Written  the files that `datasets.load_dataset` reads
infos.metadata(configs) -> metadata               what the loader must know of them
gates/                                            what keeps rows, or all, from being released
release.parted(found, settings) -> refused, allowed  what the gates found, in sentences
card.card(name, summary, funnel, …) -> README.md  the dataset card (its words: configs/publish/)
charts.charts(summary) -> drawings                its charts, as SVG and PNG (drawing.py)
croissant.croissant(name, summary, files) -> text  croissant.json
taken_down.without(rows, ids) -> rows             what is left out on request
compare.compared(first, second) -> difference     of two releases
outgoing.release(run, report) -> Release          what of it goes to the Hub
hub.push(name, release, wanted) -> Pushed         one commit, loaded back, a tag
"""

from pipeline.publish.cut import work

__all__ = ["work"]
