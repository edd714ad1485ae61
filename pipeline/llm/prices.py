"""What calls cost: known prices, estimates before anything is spent, and the purse that is not overdrawn."""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass
from functools import cache
from urllib.parse import urlsplit

import yaml

from pipeline.llm.calls import Stop
from pipeline.recipe.settings import BudgetSettings, ModelSettings, Price
from pipeline.texts import configs

FREE = Price(input=0, output=0)
_VERSION = re.compile(
    r"(-latest|-preview.*|-\d{3,}.*|-\d\d-\d\d|[:@].*)$"
)  # gpt-4o-mini-2024-07-18 is gpt-4o-mini
BATCH = 0.5  # the Batch API's share of the price (OpenAI's price page)


@dataclass(frozen=True, slots=True)
class Estimate:
    """cost: US dollars, None where no price is known."""

    calls: int
    prompt_tokens: int
    completion_tokens: int
    cost: float | None


class Purse:
    """What all runs together have spent, what the requests under way may yet cost, and the budget for both."""

    def __init__(self, budget: BudgetSettings, tokens: int, cost: float):
        self.budget, self.tokens, self.cost = budget, tokens, cost
        self._held_tokens, self._held_cost, self._holders = 0, 0.0, 0
        self._released = asyncio.Event()

    async def hold(self, tokens: int, cost: float) -> None:
        """Set aside what a request may take at most; near the budget, wait for what others leave over.

        Raises Stop when the request does not fit even alone.
        """
        while self._exceeds(tokens, cost):
            if not self._holders:
                raise Stop(
                    f"The budget is reached: {self.tokens:,} tokens and ${self.cost:.2f} are spent, and the next call "
                    "could go beyond it. Every answer is kept; raise `budget` in the recipe and run again to go on."
                )
            self._released.clear()
            await self._released.wait()
        self._add(tokens, cost, 1)

    def release(self, tokens: int, cost: float) -> None:
        self._add(-tokens, -cost, -1)
        self._released.set()

    def _add(self, tokens: int, cost: float, holders: int) -> None:
        self._held_tokens += tokens
        self._held_cost += cost
        self._holders += holders

    def pay(self, tokens: int, cost: float) -> None:
        self.tokens += tokens
        self.cost += cost

    def _exceeds(self, tokens: int, cost: float) -> bool:
        most_tokens, most_cost = self.budget.max_tokens, self.budget.max_cost
        return bool(
            (most_tokens and self.tokens + self._held_tokens + tokens > most_tokens)
            or (most_cost and self.cost + self._held_cost + cost > most_cost)
        )


def price_of(settings: ModelSettings) -> Price | None:
    """The recipe's own price, else the one of configs/prices.yaml; nothing on one's own machine, None where unknown."""
    if settings.price or settings.is_rehearsal:
        return settings.price or FREE
    if _is_local(settings):
        return FREE
    name = _VERSION.sub("", settings.model.rpartition("/")[2].lower())
    return _prices().get(name)


def cost_of(settings: ModelSettings, prompt_tokens: int, completion_tokens: int) -> float | None:
    """US dollars."""
    price = price_of(settings)
    if price is None:
        return None
    cost = (prompt_tokens * price.input + completion_tokens * price.output) / 1e6
    return cost * BATCH if settings.batch else cost


def estimate(
    settings: ModelSettings, calls: int, prompt_tokens: float, completion_tokens: float
) -> Estimate:
    """What `calls` calls of so many tokens each (means) will take."""
    prompt, completion = round(calls * prompt_tokens), round(calls * completion_tokens)
    return Estimate(calls, prompt, completion, cost_of(settings, prompt, completion))


def tokens_in(text: str) -> int:
    """About how many tokens a text has: four ASCII characters to one, two of any others."""
    plain = len(text) if text.isascii() else len(text.encode("ascii", "ignore"))
    return 1 + plain // 4 + (len(text) - plain) // 2


def _is_local(settings: ModelSettings) -> bool:
    return urlsplit(settings.base_url or "").hostname in ("localhost", "127.0.0.1", "::1")


@cache
def _prices() -> dict[str, Price]:
    known = yaml.safe_load((configs() / "prices.yaml").read_text("utf-8"))
    return {name: Price(input=price[0], output=price[1]) for name, price in known["models"].items()}
