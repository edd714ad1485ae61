"""Look: a page, and commands, that show every conversation of a run: kept, dropped, quarantined.

opened.py   what is looked at, and which Parquet files hold its rows
index/      flat columns and folded texts of all rows, made part by part
selection.py, query.py, search.py   which rows are asked for, and what they have in common
funnel.py, rows.py, shown.py, pairs.py, whatif.py, compare.py   what a view shows, as JSON
review.py, blind.py   what people decide, and how they rate without knowing whose it is
server.py, routes.py  HTTP on 127.0.0.1
page/       the page itself
"""
