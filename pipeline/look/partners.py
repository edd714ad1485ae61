"""The partner that a dropped row is a duplicate of, as `dedup` has noted it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

from pipeline.conversation import Finding

# what `dedup/verify.py` writes as evidence
EVIDENCE = re.compile(r"partner (?P<partner>\S+) cluster \S+ view \S+(?: knows (?P<knows>.+))?")


class Partner(NamedTuple):
    """knows: what only the partner knows, where that decided which one stays."""

    id: str
    rule: str
    similarity: float | None
    knows: str | None


def partner_of(findings: Iterable[Finding]) -> Partner | None:
    """None where no other row was the reason."""
    for finding in findings:
        match = EVIDENCE.match(finding.evidence or "")
        if finding.stage == "dedup" and match:
            return Partner(match["partner"], finding.rule, finding.value, match["knows"])
    return None
