"""Prices, estimates, and the budget."""

from __future__ import annotations

import asyncio

import pytest

from pipeline import llm
from pipeline.llm.prices import Budget, Reserve, tokens_in
from pipeline.recipe.models import BudgetSettings, ModelSettings

PRICED = {
    "gpt-4o-mini": 0.15,
    "gpt-4o-mini-2024-07-18": 0.15,
    "gpt-4o": 2.5,
    "openai/gpt-4o-2024-08-06": 2.5,
    "claude-sonnet-4-20250514": 3,
    "claude-haiku-4-5-20251001": 1,
    "mistral-large-latest": 2,
    "mistral-small-2503": 0.1,
    "gemini-2.5-flash-preview-05-20": 0.3,
    "deepseek/deepseek-chat:free": 0.56,
    "gpt-4o-audio": None,
    "o3-deep-research": None,
    "nobody-knows-1": None,
}


@pytest.mark.parametrize(("model", "dollars"), PRICED.items())
def test_a_price_is_known_by_the_name_without_its_version(
    model: str, dollars: float | None
) -> None:
    price = llm.price_of(ModelSettings(model=model))
    assert (price.input if price else None) == dollars


def test_prices_and_estimates() -> None:
    mini = ModelSettings(model="gpt-4o-mini-2024-07-18")
    assert llm.estimate(mini, 1000, 500, 100).cost == pytest.approx(0.135)
    assert llm.cost_of(mini.model_copy(update={"batch": True}), 10**6, 0) == pytest.approx(0.075)
    assert llm.cost_of(ModelSettings(model="any", base_url="http://localhost:8000/v1"), 10, 10) == 0


def test_a_model_of_ones_own_machine_is_free_unless_the_recipe_has_a_price() -> None:
    local = ModelSettings(model="gpt-4o", base_url="http://127.0.0.1:8000/v1")
    assert llm.cost_of(local, 10**6, 10**6) == 0
    priced = local.model_copy(update={"price": llm.price_of(ModelSettings(model="gpt-4o-mini"))})
    assert llm.cost_of(priced, 10**6, 10**6) == pytest.approx(0.75)
    assert llm.cost_of(ModelSettings(model="sim", base_url="http://box:8000/v1"), 1, 1) is None


@pytest.mark.parametrize(
    ("text", "tokens"), [("", 1), ("abc", 1), ("abcd", 2), ("дом", 2), ("abcd дом!", 3)]
)
def test_tokens_are_estimated(text: str, tokens: int) -> None:
    assert tokens_in(text) == tokens


@pytest.mark.parametrize(
    ("limits", "fits", "exceeds"),
    [
        ({"max_tokens": 100}, Reserve(60, 9.0), Reserve(61, 0.0)),
        ({"max_cost": 1.0}, Reserve(10**9, 0.5), Reserve(0, 0.75)),
        ({}, Reserve(10**9, 1e9), None),
    ],
)
def test_the_last_token_of_a_budget_may_be_spent(
    limits: dict[str, float], fits: Reserve, exceeds: Reserve | None
) -> None:
    async def main() -> None:
        budget = Budget(BudgetSettings.model_validate(limits), 40, 0.5)
        await budget.reserve(fits)
        budget.release(fits)
        if exceeds:
            with pytest.raises(llm.StopRun, match=r"40 tokens and \$0.50 are spent"):
                await budget.reserve(exceeds)

    asyncio.run(main())


def test_near_the_limit_a_request_waits_for_what_others_leave_over() -> None:
    async def main() -> list[str]:
        budget, order = Budget(BudgetSettings(max_tokens=100), 0, 0.0), list[str]()

        async def request(name: str, seconds: float, took: int) -> None:
            await budget.reserve(Reserve(60, 0.0))
            order.append(name)
            await asyncio.sleep(seconds)
            budget.spend(took, 0.0)
            budget.release(Reserve(60, 0.0))

        await asyncio.gather(request("first", 0.02, 30), request("second", 0.0, 10))
        order.append(f"{budget.tokens} spent")
        await request("third", 0.0, 0)
        return order

    assert asyncio.run(main()) == ["first", "second", "40 spent", "third"]
