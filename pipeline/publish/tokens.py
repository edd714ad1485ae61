"""How many tokens a text has: by the tokenizer that the recipe names, or as an estimate.

The estimate is a quarter of the bytes of UTF-8, rounded up; it is called one wherever it is shown.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path

from pipeline import UserError

TokenCount = Callable[[str], int]
BYTES = 4  # of a token, by the estimate
AROUND = 4  # tokens that a chat template puts around a message: our estimate
FILE = "tokenizer.json"


@cache
def counter(tokenizer: str | None) -> TokenCount:
    """The function that counts. tokenizer: a folder with tokenizer.json, or a name on the Hub.

    Raises UserError where it cannot be had.
    """
    if tokenizer is None:
        return estimate
    try:
        from tokenizers import Tokenizer
    except ImportError:
        raise UserError(
            "`publish: {tokenizer: …}` needs a library that is not installed: pip install "
            "tokenizers."
        ) from None
    file = Path(tokenizer) / FILE
    try:
        if file.is_file():
            loaded = Tokenizer.from_file(str(file))
        else:
            loaded = Tokenizer.from_pretrained(tokenizer)
    except Exception as error:  # the library raises nothing narrower
        raise UserError(f"publish.tokenizer: {tokenizer} cannot be read: {error}") from None
    return lambda text: len(loaded.encode(text, add_special_tokens=False).ids)


def estimate(text: str) -> int:
    """Tokens of a text where no tokenizer is named."""
    return -(-len(text.encode()) // BYTES)


def up_to(tokens: int) -> int:
    """The bucket of a histogram: the next power of two, 64 at least."""
    return max(64, 1 << max(0, tokens - 1).bit_length())
