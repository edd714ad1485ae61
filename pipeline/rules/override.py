"""Which reasons to drop a row a person may set aside, and why not where one may not."""

from __future__ import annotations

from collections.abc import Iterable

from pipeline.conversation import CRITERIA, MEASURES, Finding
from pipeline.rules import RULES
from pipeline.store.reviews import DROPPED, KEPT

SECRET = "privacy.secret"
DUPLICATES = ("dedup.exact", "dedup.near", "dedup.contained")
AGAINST = "dedup.against"
CUTS = tuple(f"publish.{name}" for name in (*MEASURES, *CRITERIA))
QUOTAS = ("publish.top", "publish.at_most.")  # how rules of choosing begin


def keeps(findings: Iterable[Finding]) -> bool:
    """Has a person decided to keep the row, and may they?"""
    return any(finding.rule == KEPT for finding in findings)


def objection(findings: Iterable[Finding], masks: bool) -> str | None:
    """Why a person cannot keep a row, as a part of a sentence; None where they can. masks: are
    personal data masked?"""
    for finding in findings:
        if finding.rule == SECRET and not masks:
            return "it holds a secret that is not masked (`filter: {privacy: mask}` masks it)"
        if finding.decision == "drop":
            reason = _why_it_holds(finding)
            if reason:
                return reason
    return None


def _why_it_holds(finding: Finding) -> str | None:
    rule = RULES.get(finding.rule)
    if rule and rule.fixed:
        return f"{finding.rule} is a fixed rule, which nobody can set aside"
    if finding.stage == "filter" and rule:
        return None
    if finding.rule == AGAINST:
        return "it is in a set that the result must share nothing with"
    if finding.rule in (*DUPLICATES, *CUTS, DROPPED) or finding.rule.startswith(QUOTAS):
        return None
    return f"{finding.rule} of `{finding.stage}` cannot be set aside"
