"""What calls cost: known prices, estimates before anything is spent, and the budget."""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass
from functools import cache
from typing import NamedTuple
from urllib.parse import urlsplit

from pipeline import texts
from pipeline.llm.calls import StopRun
from pipeline.recipe.models import BudgetSettings, ModelSettings, Price

FREE = Price(input=0, output=0)
BATCH = 0.5  # the Batch API's share of the price (OpenAI's price page)
LOCAL = ("localhost", "127.0.0.1", "::1")

# what a name ends with and its price does not depend on: gpt-4o-mini-2024-07-18 is gpt-4o-mini
_VERSION = re.compile(r"(-latest|-preview.*|-\d{3,}.*|-\d\d-\d\d|[:@].*)$")


@dataclass(frozen=True, slots=True)
class Estimate:
    """What a number of calls will probably take. cost: US dollars, None where no price is known."""

    calls: int
    prompt_tokens: int
    completion_tokens: int
    cost: float | None


class Reserve(NamedTuple):
    """What one request may take at most. cost: US dollars."""

    tokens: int
    cost: float


class Budget:
    """The limit of what all runs into one folder spend together.

    Before a request is sent, it reserves what it may cost at most; afterwards it spends what it
    did cost and releases the reserve. So requests under way cannot exceed the budget together.
    tokens, cost: what is spent already.
    """

    def __init__(self, settings: BudgetSettings, tokens: int, cost: float):
        self.settings, self.tokens, self.cost = settings, tokens, cost
        self._reserved = Reserve(0, 0.0)
        self._under_way = 0
        self._released = asyncio.Event()

    async def reserve(self, reserve: Reserve) -> None:
        """Reserve for a request; near the limit, wait for what other requests leave over.

        Raises StopRun when the request does not fit even alone.
        """
        while self._exceeds(reserve):
            if not self._under_way:
                raise StopRun(
                    f"The budget is reached: {self.tokens:,} tokens and ${self.cost:.2f} are spent,"
                    " and the next call could exceed it. Every answer is kept; raise `budget` in "
                    "the recipe and run again to go on."
                )
            self._released.clear()
            await self._released.wait()
        self._add(reserve.tokens, reserve.cost, 1)

    def release(self, reserve: Reserve) -> None:
        self._add(-reserve.tokens, -reserve.cost, -1)
        self._released.set()

    def spend(self, tokens: int, cost: float) -> None:
        self.tokens += tokens
        self.cost += cost

    def _add(self, tokens: int, cost: float, requests: int) -> None:
        before = self._reserved
        self._reserved = Reserve(before.tokens + tokens, before.cost + cost)
        self._under_way += requests

    def _exceeds(self, reserve: Reserve) -> bool:
        max_tokens = self.settings.max_tokens
        max_cost = self.settings.max_cost
        tokens = self.tokens + self._reserved.tokens + reserve.tokens
        if max_tokens and tokens > max_tokens:
            return True
        cost = self.cost + self._reserved.cost + reserve.cost
        return bool(max_cost and cost > max_cost)


def price_of(settings: ModelSettings) -> Price | None:
    """The price of a model: the recipe's own, else the one of configs/prices.yaml.

    A model on one's own machine costs nothing. None where no price is known.
    """
    if settings.price:
        return settings.price
    if settings.is_rehearsal or is_local(settings):
        return FREE
    name = settings.model.rpartition("/")[2].lower()
    return _prices().get(_VERSION.sub("", name))


def cost_of(settings: ModelSettings, prompt_tokens: int, completion_tokens: int) -> float | None:
    """US dollars, None where no price is known."""
    price = price_of(settings)
    if price is None:
        return None
    cost = (prompt_tokens * price.input + completion_tokens * price.output) / 1e6
    if settings.batch:
        cost *= BATCH
    return cost


def estimate(
    settings: ModelSettings, calls: int, prompt_tokens: float, completion_tokens: float
) -> Estimate:
    """What `calls` calls will take. prompt_tokens, completion_tokens: the mean of one call."""
    prompt = round(calls * prompt_tokens)
    completion = round(calls * completion_tokens)
    return Estimate(calls, prompt, completion, cost_of(settings, prompt, completion))


def tokens_in(text: str) -> int:
    """About how many tokens a text has: four ASCII characters to one, two of any others."""
    if text.isascii():
        return 1 + len(text) // 4
    ascii_characters = len(text.encode("ascii", "ignore"))
    return 1 + ascii_characters // 4 + (len(text) - ascii_characters) // 2


def is_local(settings: ModelSettings) -> bool:
    """Does the model run on this machine?"""
    return urlsplit(settings.base_url or "").hostname in LOCAL


@cache
def _prices() -> dict[str, Price]:
    """Dollars a million tokens, by the name of the model without its version."""
    known = texts.values("", "prices.yaml")["models"]
    return {name: Price(input=pair[0], output=pair[1]) for name, pair in known.items()}
