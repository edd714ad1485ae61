"""Secrets and ids are found by form and check digits, masked alike, and never quoted."""

from __future__ import annotations

import json
import re

import pytest

from pipeline.conversation import Conversation, Message
from pipeline.filter import work
from pipeline.recipe.filter import FilterSettings
from pipeline.rules.privacy.datum import find_all
from pipeline.rules.privacy.find import find
from pipeline.rules.privacy.ids import is_id
from pipeline.rules.privacy.keys import FORMS, is_placeholder, keys, prefix
from pipeline.rules.privacy.secrets import is_random
from pipeline.rules.privacy.stand_ins import mask, stand_in
from pipeline.rules.privacy.wallets import is_base58_check
from tests.rows import conversation

GITHUB = "ghp_9fKd82LsQpZx71VbNcMa04RtYuIoPw3eHjGk"
SEED = "witch collapse practice feed shame open despair creek road again ice least"

# language, text before, the secret or id, text after, kind
PLACED = [
    ("en", "the prod key is ", "AKIAQ3ZJ7N2LMB5TXW4R", ", keep it", "secret"),
    ("en", "clone with ", GITHUB, ".", "secret"),
    ("en", "aws_secret_access_key = ", "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", "", "secret"),
    ("en", "X-API-Key: ", "5f2b9c81e07d4a36b8d1c9f4e2a7063b", "' x", "secret"),
    ("zh", "我的API密钥是 ", "kD93jfLs82mQpX71vNzR4tYw", "。", "secret"),
    ("de", "Das WLAN-Passwort lautet ", "Kaffee!Kanne9", ", viel Spaß", "secret"),
    ("ru", "пароль от почты ", "qwErty_2291", ", не забудь", "secret"),
    ("fr", "le mot de passe du wifi c'est ", "Croissant2024!", "", "secret"),
    ("ja", "パスワードは「", "sakura2019!", "」です", "secret"),
    ("ko", "비밀번호는 ", "nabi0909!", "이야", "secret"),
    ("en", "My PIN is ", "4821", " if you need cash", "secret"),
    ("en", "user: marie password: ", "correcthorse", "", "secret"),
    ("en", "usdt to ", "TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t", ", thanks", "secret"),
    ("en", "or ", "bc1qar0srrr7xfkvy5l643lydnw9re59gtzzwf5mdq", "", "secret"),
    ("en", "or ", "0x52908400098527886E0F7030069857D2E4169EE7", "!", "secret"),
    ("es", "mi frase semilla: ", SEED, "", "secret"),
    ("en", "db is ", "mongodb+srv://admin:Zx9kQ2@cluster0.example.net/db", " now", "url"),
    ("en", "my SSN: ", "219-09-9998", ".", "id"),
    ("en", "NI number ", "AB 12 34 56 C", ", ok", "id"),
    ("de", "Meine Steuer-ID ist ", "36574261809", ".", "id"),
    ("fr", "sécu : ", "1 85 05 78 006 084 91", "", "id"),
    ("it", "sono ", "RSSMRA85T10A562S", ", va bene?", "id"),
    ("pt", "meu CPF ", "529.982.247-25", ".", "id"),
    ("ru", "СНИЛС ", "112-233-445 95", ".", "id"),
    ("ru", "паспорт серия ", "4510 номер 654321", " выдан", "id"),
    ("zh", "身份证", "110101199003074514", "，", "id"),
    ("pl", "mój PESEL to ", "44051401359", ".", "id"),
    ("nl", "BSN ", "111222333", "", "id"),
    ("sv", "personnummer ", "811228-9874", ".", "id"),
    ("de", "Reisepass Nr. ", "C01X00T47", "", "id"),
    ("en", "card ", "3c:22:fb:9a:01:7e", " is mine", "id"),
    ("de", "Kennzeichen ", "B-MW 4721", ".", "id"),
    ("ru", "машина ", "А123ВС77", " у дома", "id"),
    ("zh", "车牌是", "京A12345", "。", "id"),
]
NOTHING = [
    "The password is wrong, try again.",
    "My password has to be at least 12 characters long.",
    "Password strength: 8/10",
    "login: required",
    "Забыла пароль: опять.",
    "密码是什么？",
    "The pass is 2300 metres high, and the pin is 2000 years old.",
    "the secret is love, not money",
    "The key: practise every day. It opens doors.",
    "commit 9fceb02d0ae598e95dc970b74767f19372d61af8 broke the build",
    "uuid 123e4567-e89b-12d3-a456-426614174000",
    "use YOUR_API_KEY here, or AKIAIOSFODNN7EXAMPLE",
    "my seed words of wisdom: always be kind to those around you and never give up on dreams",
    "my passport expired in 2019, I need 2 photos and 40 dollars",
    "a plate of 24 oysters; la placa tiene 300 W",
    "The serial number is 811228-9874",
    "My order 4815162342 never came, ticket number 847362910 neither.",
    "It is 10:30:15:20:11 on that clock",
]


@pytest.mark.parametrize(("language", "before", "datum", "after", "kind"), PLACED)
def test_a_secret_is_found_exactly_where_it_stands(
    language: str, before: str, datum: str, after: str, kind: str
) -> None:
    text = before + datum + after
    spans = find(text, language)
    assert [(span.kind, text[span.start : span.end]) for span in spans] == [(kind, datum)]


@pytest.mark.parametrize("text", NOTHING)
def test_what_only_looks_like_a_secret_is_left(text: str) -> None:
    assert find(text) == []


def test_every_service_is_found_by_the_form_of_its_keys() -> None:
    """Each prefix with as many mixed letters as its form asks for."""
    missed = []
    for form in FORMS:
        length = max(map(int, re.findall(r"\{(\d+)", form.rest)), default=40)
        letters = "a1b2c3d4e5f60798" if "0-9a-f" in form.rest else "aB3dE5gH7jK9mN2pQ4"
        rest = (letters * 20)[:length]
        candidates = [rest, rest.upper(), f"{rest}.{rest}", f"{rest}-{rest}", f"{rest}.eyJ{rest}.x"]
        candidates += [f"{rest[:32]}_{rest[:8]}", f"{rest[:14]}.{'a1b2c3d4' * 8}"]
        candidates += [f"{rest[:24]}-{(letters * 3)[:34]}", f"{'a1b2c3d4' * 8}-{rest[:16]}"]
        texts = [f"key {form.prefix}{candidate} end" for candidate in candidates]
        if not any(span.kind == "secret" for text in texts for span in find(text)):
            missed.append(form)
    assert missed == []


def test_a_private_key_is_masked_with_its_frame() -> None:
    block = "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjEAAA\n"
    whole = f"{block}-----END OPENSSH PRIVATE KEY-----"
    texts = [f"here:\n{whole}\nok", f"cut off: {block}é"]
    masked, _ = mask(texts, find_all(texts))
    assert "b3Blbn" not in "".join(masked)
    assert masked[0].startswith("here:\n-----BEGIN PRIVATE KEY-----\nEXAMPLE")
    assert masked[0].endswith("\nok")


@pytest.mark.parametrize(
    ("value", "valid"),
    [
        ("1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa", True),
        ("1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNb", False),
        ("TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t", True),
    ],
)
def test_wallets_are_known_by_their_checksum(value: str, valid: bool) -> None:
    assert is_base58_check(value) is valid


# what stands first, what repeats it, and what must not be left of it
AGAIN = [
    (f"the key is {GITHUB}", f"{GITHUB} again", "9fKd"),
    ("password is hunter22!", "hunter22! it is", "hunter"),
    ("CPF 529.982.247-25", "so 529.982.247-25", "982"),
    ("my number is five five five, oh one four three", "555-0143, right", "0143"),
]


@pytest.mark.parametrize(("first", "later", "datum"), AGAIN)
def test_a_repeated_secret_is_masked_alike(first: str, later: str, datum: str) -> None:
    texts = [first, later]
    masked, spans = mask(texts, find_all(texts, "en"))
    values = {
        text[span.start : span.end]
        for text, found in zip(masked, spans, strict=True)
        for span in found
    }
    assert datum not in "".join(masked)
    assert len(values) == 1


@pytest.mark.parametrize("value", [case[2] for case in PLACED if case[4] == "id"])
def test_a_stand_in_for_an_id_has_its_form_and_is_not_valid(value: str) -> None:
    other = stand_in("id", 7, value)
    assert len(other) == len(value)
    assert other != value
    assert not is_id(other)


def test_stand_ins_for_keys_keep_the_letters_of_the_service() -> None:
    assert re.fullmatch(r"ghp_(EXAMPLE0007)+EX\w*", stand_in("secret", 7, GITHUB))
    assert stand_in("secret", 7, "hunter22!") == "EXAMPLE0007"
    assert len(stand_in("secret", 7, SEED).split()) == 12
    assert find(f"key: {stand_in('secret', 7, GITHUB)}") == []


def _row() -> Conversation:
    row = conversation(1, ["Hi, how do I log in there?", "What have you got so far?"] * 3)
    said = Message("user", f"password: Zw9!goatKeeper, key {GITHUB}, DNI 12345678Z")
    return Conversation(row.id, (*row.messages[:4], said, row.messages[5]), row.source)


@pytest.mark.parametrize("privacy", ["label", "mask", "drop"])
def test_nothing_of_a_secret_stands_in_findings_or_edits(privacy: str) -> None:
    settings = FilterSettings.model_validate({"privacy": privacy})
    (result,) = work([_row()], settings)
    row = getattr(result, "conversation", result)
    assert {"privacy.secret", "privacy.id"} <= {finding.rule for finding in row.findings}
    notes = json.dumps([*map(str, row.findings), *row.edits])
    for secret in ("Zw9", "goatKeeper", "9fKd", "12345678"):
        assert secret not in notes
        assert (secret in str(row.messages)) is (privacy != "mask")


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        ("my password is abc12", "abc12"),
        ("my password is ab12", None),  # letters and digits: five
        ("my password is abcde!x", "abcde!x"),
        ("my password is abc!x", None),  # letters and signs: six
        ("my password is abc!xy", "abc!xy"),
        ("my password is wonderful", None),  # letters only
        ("my password is wonderful!!", None),
        ("my pin is 123", "123"),
        ("my pin is 12", None),
        ("my pin is 123 apples", None),
        ("my password is your_password1", None),
        ("my password is hunter22.", "hunter22"),
    ],
)
def test_how_long_a_password_is(text: str, secret: str | None) -> None:
    found = [text[s.start : s.end] for s in find(text, "en") if s.kind == "secret"]
    assert found == ([secret] if secret else [])


@pytest.mark.parametrize(
    ("value", "random"),
    [
        ("a8Kd02LmQ9xZt4Wv", True),
        ("abcdefghijklmn12", True),
        ("abcdefghijklmno1", False),  # two digits
        ("abcd012345678901", True),
        ("abc0123456789012", False),  # four letters
        ("aaaaaaaaaaaabb12", False),
        ("", False),
    ],
)
def test_letters_and_digits_mixed_without_order(value: str, random: bool) -> None:
    assert is_random(value) is random


def test_a_key_is_varied_and_no_placeholder() -> None:
    real = "AKIA" + "Q7W3E5R2T8Y4U6I1"
    assert [real] == [real[start:end] for start, end in keys(real)]
    assert [*keys(f"x {real}, {real}")] == [(2, 22), (24, 44)]
    assert not [*keys("AKIA" + "A" * 16)]  # one letter
    assert not [*keys("AKIA" + "Q7W3E5EXAMPLE214")]
    assert not [*keys("sk-" + "the-long-and-winding-road-that-leads-to-your-door")]
    assert (prefix(real), prefix("hunter22")) == ("AKIA", "")
    assert is_placeholder("<token>")
    assert not is_placeholder(real)


SEED = "ocean velvet canyon ripple stove march sugar blanket tomato falcon ladder prize"


@pytest.mark.parametrize(
    ("text", "phrase"),
    [
        (f"my seed phrase: {SEED}", SEED),
        (f"my seed phrase: {SEED.rpartition(' ')[0]}", None),  # eleven
        (f"my seed phrase: {SEED.replace('canyon', 'the')}", None),
        (f"my favourites: {SEED}", None),
    ],
)
def test_seed_phrases_have_twelve_words_and_none_of_the_frequent_ones(
    text: str, phrase: str | None
) -> None:
    found = [text[s.start : s.end] for s in find(text, "en") if s.kind == "secret"]
    assert found == ([phrase] if phrase else [])
