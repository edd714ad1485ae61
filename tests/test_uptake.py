"""Does an answer take up a step closer?"""

from __future__ import annotations

import pytest

from pipeline.pacing.uptake import rebuffs, takes_up


@pytest.mark.parametrize(
    ("language", "answer", "taken"),
    [
        ("en", "no", False),
        ("en", "ok sure fine", False),
        ("en", "what?", False),  # asks for no more than a repetition
        ("en", "why that?", True),
        ("en", "I felt that too, you know", True),
        ("en", "I'd rather not talk", False),
        ("en", "Whatever, it is late and I am tired", False),
        ("ru", "Давай не будем об этом, ладно?", False),
        ("ru", "У меня было так же прошлой зимой", True),
        ("de", "Das möchte ich nicht so genau erzählen", False),
        ("zh", "我也是这样，去年冬天一直睡不着。", True),
        ("zh", "这个我不想说，真的。", False),
        ("zh", "好的。", False),
        ("ko", "네 그래요", False),
        ("ko", "그래요, 저도 작년 겨울에 그랬어요.", True),
        ("ko", "지금은 좀 바빠요 나중에 봐요", False),
        (None, "I'd rather not talk", True),  # of no list: only what is short turns away
    ],
)
def test_what_takes_a_step_up(language: str | None, answer: str, taken: bool) -> None:
    assert takes_up(answer, rebuffs(language)) == taken
