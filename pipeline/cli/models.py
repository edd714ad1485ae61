"""What the servers of a recipe's models can do, as a table and as sentences."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from pipeline.cli.render import table

if TYPE_CHECKING:
    from rich.table import Table

    from pipeline.llm import Findings
    from pipeline.run.probing import Probed

HEADS = ("model", "answers as", "system message", "JSON by", "stop", "tokens", "context", "thinks")
SHOWN = {True: "kept", False: "ignored", None: "not known"}
SILENT = "a server that cuts long prompts in silence would not be noticed"


def models(asked: Sequence[Probed]) -> Table:
    """A row a model."""
    return table(HEADS, [_row(one) for one in asked])


def _row(one: Probed) -> tuple[object, ...]:
    found = one.findings
    if found is None:
        return (one.name, "no answer" if one.problem else "rehearsal", *[""] * (len(HEADS) - 2))
    return (
        one.name,
        found.model,
        found.system,
        found.rung if found.fits else f"{found.rung} (no answer fitted)",
        SHOWN[found.stop],
        "counted" if found.counts else "estimated",
        found.context or "not known",
        "yes" if found.thinks else "no",
    )


def problems(asked: Sequence[Probed]) -> list[str]:
    """A line for each model that cannot be used."""
    return [f"models.{one.name}: {one.problem}" for one in asked if one.problem]


def consequences(asked: Sequence[Probed]) -> Iterator[str]:
    """What is done about all that a server does otherwise, a line each."""
    for one in asked:
        if one.findings:
            for sentence in _of(one.findings, one.model):
                yield f"{one.name}: {sentence}"


def _of(found: Findings, asked: str) -> Iterator[str]:
    if found.model != asked:
        yield f"asked for {asked}, the server answers as {found.model}; rows name the latter"
    if found.system == "folded":
        yield "no system message arrives; its text is written before the user's first message"
    if found.system == "unknown":
        yield "whether a system message arrives, no answer has shown; it is sent as one"
    if not found.fits:
        yield "no form of JSON was kept to: expect many answers that cannot be used"
    if found.stop is False:
        yield "an answer is cut at `stop` here, for the server goes on behind it"
    if not found.counts:
        yield "the server counts no tokens: the budget rests on estimates"
    if found.context is None:
        yield f"the length of the context is not known: {SILENT}"
    if found.thinks:
        yield "the model thinks first: each answer gets more tokens, and thoughts are left out"
    if found.refused:
        yield f"left out, for the server refuses them: {', '.join(found.refused)}"
