"""Character cards, V1 and V2: a persona and no talk, so `collect` only says where they belong.

{"name": "Ada", "description": "..", "personality": "..", "scenario": "..", "first_mes": "..", "mes_example": ".."}
{"spec": "chara_card_v2", "spec_version": "2.0", "data": {"name": "Ada", "first_mes": "..", ..}}

`generate` reads them (JSON, or PNG with the JSON in its `chara` text).
"""

from __future__ import annotations

from typing import Any


def recognise(record: Any) -> bool:
    return isinstance(record, dict) and (
        "first_mes" in record or str(record.get("spec", "")).startswith("chara_card")
    )
