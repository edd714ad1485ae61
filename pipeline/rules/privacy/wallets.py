"""Addresses and keys of wallets, by checksum where it can be had.

"1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa"   base 58 with a checksum: Bitcoin, Litecoin, Tron, keys …
"bc1q…"                                Bech32 (BIP 173): Bitcoin, with its checksum
"0x" and 40 hexadecimal digits         Ethereum and its kin, by form
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator

_BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
_WORTH = re.compile(r"[A-Za-z0-9]{26}")
_WALLET = re.compile(
    r"(?<![A-Za-z0-9/=+_-])(?:"
    r"(?P<ethereum>0x[0-9a-fA-F]{40}(?:[0-9a-fA-F]{24})?)"
    r"|(?P<bitcoin>bc1[02-9ac-hj-np-z]{20,71})"
    r"|(?P<bech32>(?:ltc1|addr1|cosmos1|bnb1)[02-9ac-hj-np-z]{30,100})"
    r"|(?P<extended>[xyz]prv[1-9A-HJ-NP-Za-km-z]{100,112})"
    r"|(?P<monero>[48][0-9AB][1-9A-HJ-NP-Za-km-z]{93})"
    r"|(?P<ton>[EU]Q[A-Za-z0-9_-]{46})"
    r"|(?P<base58>[1-9A-HJ-NP-Za-km-z]{26,52})"
    r")(?![A-Za-z0-9_-])"
)
_BY_FORM = frozenset(("ethereum", "bech32", "extended", "monero", "ton"))


def wallets(text: str) -> Iterator[tuple[int, int]]:
    """Where addresses and private keys of wallets start and end."""
    if not _WORTH.search(text):
        return
    for match in _WALLET.finditer(text):
        if _is_wallet(match.lastgroup, match.group()):
            yield match.span()


def _is_wallet(form: str | None, value: str) -> bool:
    if form == "base58":
        return is_base58_check(value)
    if form == "bitcoin":
        from stdnum import bitcoin

        return bitcoin.is_valid(value)
    varied = any(map(str.isdigit, value)) and len(set(value)) >= 10
    return form in _BY_FORM and varied


def is_base58_check(value: str) -> bool:
    """Are the last four bytes the first ones of the twice taken SHA-256 of those before?"""
    number = 0
    for letter in value:
        number = number * 58 + _BASE58.index(letter)
    zeros = len(value) - len(value.lstrip("1"))
    data = bytes(zeros) + number.to_bytes((number.bit_length() + 7) // 8, "big")
    body, check = data[:-4], data[-4:]
    once = hashlib.sha256(body).digest()
    return len(body) >= 21 and hashlib.sha256(once).digest()[:4] == check
