"""Character cards, V1 and V2: a persona without a conversation, so `collect` refuses them.

{"name": "Ada", "description": "..", "personality": "..", "scenario": "..", "first_mes": ".."}
{"spec": "chara_card_v2", "spec_version": "2.0", "data": {"name": "Ada", "first_mes": "..", ..}}

`generate` reads them (JSON, or PNG with the JSON in its `chara` text).
"""

from __future__ import annotations


def recognise(record: object) -> bool:
    if not isinstance(record, dict):
        return False
    return "first_mes" in record or str(record.get("spec", "")).startswith("chara_card")
