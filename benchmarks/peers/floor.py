"""Only what everyone must do: read the conversations, get at their texts, write them. python
floor.py IN OUT"""

from common import read, write

table = read()
write(table, [True] * len(table))
