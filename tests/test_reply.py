"""JSON out of what a model wrote."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.llm.reply import misfit, read_json

READABLE = {
    '{"a": 1}': {"a": 1},
    '```json\n{"a": 1}\n```': {"a": 1},
    "Sure!\n```\n[1, 2]\n```\nAnything else?": [1, 2],
    'Here you are: {"a": [1, 2,],}': {"a": [1, 2]},
    '{"a": "one, two,}"}': {"a": "one, two,}"},
    '{"a": "```not a fence```"}': {"a": "```not a fence```"},
    '{"a": "line\nbreak"}': {"a": "line\nbreak"},
    '\ufeff {"a": 1} ': {"a": 1},
}


@pytest.mark.parametrize(("text", "value"), READABLE.items())
def test_json_is_found_in_what_models_write(text: str, value: Any) -> None:
    assert read_json(text) == value


NO_JSON = [
    "",
    "Sorry, no.",
    '{"a": 1',
    '{"a": "cut of',
    "[" * 100_000,
    '{"a": NaN}',
    '{"a": "half \\ud83d"}',
]


@pytest.mark.parametrize("text", NO_JSON)
def test_what_is_not_json_is_not_guessed(text: str) -> None:
    with pytest.raises(ValueError, match="JSON"):
        read_json(text)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)


@given(st.lists(JSON) | st.dictionaries(st.text(), JSON))
def test_any_json_survives_a_fence(value: Any) -> None:
    assert read_json(f"Of course:\n```json\n{json.dumps(value, indent=1)}\n```") == value
    assert read_json(json.dumps(value, ensure_ascii=False)) == value


ROLES = {
    "type": "array",
    "minItems": 2,
    "items": {
        "type": "object",
        "properties": {"role": {"enum": ["user", "bot"]}},
        "required": ["role"],
    },
}
MISFITS = [
    ({}, "must be of type array, not object"),
    ([{"role": "user"}], "must have 2 items or more, not 1"),
    ([{"role": "user"}, {}], 'item 2 of the answer lacks "role"'),
    ([{"role": "user"}, {"role": "narrator"}], "must be one of ['user', 'bot']"),
    ([{"role": "user"}, 7], "item 2 of the answer must be of type object, not integer"),
    ([{"role": "user"}, {"role": "bot"}], None),
]


@pytest.mark.parametrize(("value", "problem"), MISFITS)
def test_what_does_not_fit_is_explained(value: Any, problem: str | None) -> None:
    found = misfit(value, ROLES)
    assert found is None if problem is None else problem in str(found)


SINGLE = [
    (True, {"type": "integer"}, "must be of type integer, not boolean"),
    (True, {"type": "boolean"}, None),
    (1, {"type": "number"}, None),
    (1.5, {"type": "integer"}, "must be of type integer, not number"),
    (None, {"type": ["string", "null"]}, None),
    (7, {"type": ["string", "null"]}, "must be of type string or null, not integer"),
    (7, {"anyOf": [{"type": "string"}, {"type": "integer"}]}, None),
    ([], {"anyOf": [{"type": "string"}, {"type": "integer"}]}, "must be of type string, not array"),
    ({"a": 1, "b": 2}, {"properties": {"b": {"type": "string"}}}, '"b" must be of type string'),
    ({}, {}, None),
]


@pytest.mark.parametrize(("value", "schema", "problem"), SINGLE)
def test_each_part_of_a_schema_is_checked(
    value: object, schema: dict[str, Any], problem: str | None
) -> None:
    found = misfit(value, schema)
    assert found is None if problem is None else problem in str(found)
