"""Signs: a finder that says of a text what it holds says nothing of one without any of its signs.

holds("a <b>", ("<", "["))      True: worth a look
holds("[tea]", ("<", "|"))      False, in a hundredth of the time that a pattern takes
"""

from __future__ import annotations

from collections.abc import Iterable


def holds(text: str, signs: Iterable[str]) -> bool:
    """Does one of the signs stand in the text?"""
    return any(map(text.__contains__, signs))
