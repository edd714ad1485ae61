"""Findings in words."""

from __future__ import annotations

from pipeline.conversation import Finding


def finding_text(one: Finding) -> str:
    """`style.cliches 14.2, limit 12: a tapestry of`"""
    value, limit = _number(" ", one.value), _number(", limit ", one.limit)
    evidence = f": {one.evidence}" * bool(one.evidence)
    return f"{one.rule}{value}{limit}{evidence}"


def _number(before: str, value: float | None) -> str:
    return "" if value is None else f"{before}{value:.4g}"
