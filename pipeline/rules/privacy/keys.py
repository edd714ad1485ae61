"""Keys of known services, by the letters they begin with and the form of the rest.

    "use ghp_…36 letters and digits…, ok?"    the key

The forms are those that the services document, or that their own scanners look for; a key is at
least as long as its service makes it. `EXAMPLE` and the like are no keys (`is_placeholder`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple


class KeyForm(NamedTuple):
    """The form of a service's keys: first letters, and a regular expression for the rest."""

    service: str
    prefix: str
    rest: str


_LETTERS = "[A-Za-z0-9]"
_OPEN = r"[\w-]"
_HEX = "[0-9a-f]"

FORMS = (
    KeyForm("AWS", "AKIA", "[A-Z0-9]{16}"),
    KeyForm("AWS", "ASIA", "[A-Z0-9]{16}"),
    KeyForm("AWS", "ABIA", "[A-Z0-9]{16}"),
    KeyForm("AWS", "ACCA", "[A-Z0-9]{16}"),
    KeyForm("Alibaba Cloud", "LTAI", f"{_LETTERS}{{12,24}}"),
    KeyForm("Tencent Cloud", "AKID", f"{_LETTERS}{{32}}"),
    KeyForm("Google", "AIza", f"{_OPEN}{{30,40}}"),
    KeyForm("Google OAuth", "ya29.", f"{_OPEN}{{20,}}"),
    KeyForm("Google OAuth", "GOCSPX-", f"{_OPEN}{{24,}}"),
    KeyForm("GitHub", "ghp_", f"{_LETTERS}{{30,}}"),
    KeyForm("GitHub", "gho_", f"{_LETTERS}{{30,}}"),
    KeyForm("GitHub", "ghu_", f"{_LETTERS}{{30,}}"),
    KeyForm("GitHub", "ghs_", f"{_LETTERS}{{30,}}"),
    KeyForm("GitHub", "ghr_", f"{_LETTERS}{{30,}}"),
    KeyForm("GitHub", "github_pat_", r"\w{22,}"),
    KeyForm("GitLab", "glpat-", f"{_OPEN}{{20,}}"),
    KeyForm("GitLab", "glrt-", f"{_OPEN}{{20,}}"),
    KeyForm("GitLab", "gldt-", f"{_OPEN}{{20,}}"),
    KeyForm("GitLab", "glptt-", f"{_OPEN}{{20,}}"),
    KeyForm("Atlassian", "ATATT3", r"[\w=-]{40,}"),
    KeyForm("Bitbucket", "ATBB", f"{_LETTERS}{{32,}}"),
    KeyForm("OpenAI, Anthropic, OpenRouter, DeepSeek", "sk-", f"{_OPEN}{{20,}}"),
    KeyForm("ElevenLabs", "sk_", f"{_HEX}{{40,}}"),
    KeyForm("Groq", "gsk_", f"{_LETTERS}{{40,}}"),
    KeyForm("xAI", "xai-", f"{_LETTERS}{{60,}}"),
    KeyForm("Perplexity", "pplx-", f"{_LETTERS}{{40,}}"),
    KeyForm("Replicate", "r8_", f"{_LETTERS}{{30,}}"),
    KeyForm("NVIDIA", "nvapi-", f"{_OPEN}{{50,}}"),
    KeyForm("Hugging Face", "hf_", f"{_LETTERS}{{30,}}"),
    KeyForm("Hugging Face", "api_org_", f"{_LETTERS}{{30,}}"),
    KeyForm("Stripe", "sk_live_", f"{_LETTERS}{{16,}}"),
    KeyForm("Stripe", "sk_test_", f"{_LETTERS}{{16,}}"),
    KeyForm("Stripe", "rk_live_", f"{_LETTERS}{{16,}}"),
    KeyForm("Stripe", "rk_test_", f"{_LETTERS}{{16,}}"),
    KeyForm("Stripe", "pk_live_", f"{_LETTERS}{{16,}}"),
    KeyForm("Stripe", "whsec_", f"{_LETTERS}{{24,}}"),
    KeyForm("Square", "sq0atp-", f"{_OPEN}{{22,}}"),
    KeyForm("Square", "sq0csp-", f"{_OPEN}{{40,}}"),
    KeyForm("Shopify", "shpat_", "[0-9a-fA-F]{32}"),
    KeyForm("Shopify", "shpss_", "[0-9a-fA-F]{32}"),
    KeyForm("Shopify", "shpca_", "[0-9a-fA-F]{32}"),
    KeyForm("Slack", "xoxb-", f"{_OPEN}{{12,}}"),
    KeyForm("Slack", "xoxp-", f"{_OPEN}{{12,}}"),
    KeyForm("Slack", "xoxa-", f"{_OPEN}{{12,}}"),
    KeyForm("Slack", "xoxr-", f"{_OPEN}{{12,}}"),
    KeyForm("Slack", "xoxs-", f"{_OPEN}{{12,}}"),
    KeyForm("Slack", "xoxe", r"[\w.-]{20,}"),
    KeyForm("Slack", "xapp-", f"{_OPEN}{{20,}}"),
    KeyForm("npm", "npm_", f"{_LETTERS}{{30,}}"),
    KeyForm("PyPI", "pypi-", f"{_OPEN}{{50,}}"),
    KeyForm("RubyGems", "rubygems_", f"{_HEX}{{48}}"),
    KeyForm("Docker Hub", "dckr_pat_", f"{_OPEN}{{20,}}"),
    KeyForm("SendGrid", "SG.", rf"{_OPEN}{{16,}}\.{_OPEN}{{16,}}"),
    KeyForm("Brevo", "xkeysib-", f"{_HEX}{{64}}-{_LETTERS}{{16}}"),
    KeyForm("Mailgun", "key-", f"{_HEX}{{32}}"),
    KeyForm("DigitalOcean", "dop_v1_", f"{_HEX}{{64}}"),
    KeyForm("DigitalOcean", "doo_v1_", f"{_HEX}{{64}}"),
    KeyForm("Databricks", "dapi", f"{_HEX}{{32}}"),
    KeyForm("Notion", "ntn_", f"{_LETTERS}{{40,}}"),
    KeyForm("Notion", "secret_", f"{_LETTERS}{{40,}}"),
    KeyForm("Linear", "lin_api_", f"{_LETTERS}{{40}}"),
    KeyForm("Figma", "figd_", f"{_OPEN}{{40,}}"),
    KeyForm("Postman", "PMAK-", f"{_HEX}{{24}}-{_HEX}{{34}}"),
    KeyForm("New Relic", "NRAK-", "[A-Z0-9]{27}"),
    KeyForm("Grafana", "glsa_", f"{_LETTERS}{{32}}_{_HEX}{{8}}"),
    KeyForm("Sentry", "sntrys_", r"[\w+/=]{40,}"),
    KeyForm("HashiCorp Vault", "hvs.", f"{_OPEN}{{24,}}"),
    KeyForm("Supabase", "sbp_", f"{_HEX}{{40}}"),
    KeyForm("Airtable", "pat", rf"{_LETTERS}{{14}}\.{_HEX}{{64}}"),
    KeyForm("Dropbox", "sl.", f"{_OPEN}{{120,}}"),
    KeyForm("Facebook", "EAA", f"{_LETTERS}{{80,}}"),
    KeyForm("Yandex Cloud", "AQVN", f"{_OPEN}{{35,}}"),
    KeyForm("Yandex OAuth", "y0_", f"{_OPEN}{{40,}}"),
    KeyForm("VK", "vk1.a.", f"{_OPEN}{{60,}}"),
    KeyForm("age", "AGE-SECRET-KEY-1", "[0-9A-Z]{58}"),
    KeyForm("Twilio", "SK", f"{_HEX}{{32}}"),
    KeyForm("Twilio", "AC", f"{_HEX}{{32}}"),
    KeyForm(
        "JSON web token (RFC 7519)", "eyJ", rf"{_OPEN}{{8,2000}}\.eyJ{_OPEN}{{4,}}(?:\.{_OPEN}*)?"
    ),
)
# Without letters of their own: a number with a colon, three parts with dots, a suffix.
_OTHERS = (
    rf"\d{{8,10}}:AA{_OPEN}{{30,}}"  # a bot of Telegram
    rf"|\d{{8,10}}:{_OPEN}{{35}}(?!{_OPEN})"
    rf"|[MNO]{_LETTERS}{{22,27}}\.{_OPEN}{{6}}\.{_OPEN}{{27,}}"  # a bot of Discord
    rf"|{_HEX}{{32}}-us\d{{1,2}}"  # Mailchimp
)
PREFIXES = tuple(dict.fromkeys(form.prefix for form in FORMS if len(form.prefix) > 2))

_FORMS = "|".join(f"{re.escape(form.prefix)}{form.rest}" for form in FORMS)
_KEY = re.compile(rf"(?<![A-Za-z0-9])(?:{_FORMS}|{_OTHERS})(?![A-Za-z0-9])")
_PREFIX = re.compile("|".join(map(re.escape, sorted(PREFIXES, key=len, reverse=True))))
_PLACEHOLDER = re.compile(
    r"example|your|xxxx|\*\*\*|\.\.\.|redacted|placeholder|changeme|dummy|insert|0000000"
    r"|my[_-]?(?:key|token|secret|api|password)|^[<{\[$%]",
    re.IGNORECASE,
)


def keys(text: str) -> Iterator[tuple[int, int]]:
    """Where keys of known services start and end."""
    for match in _KEY.finditer(text):
        if _is_varied(match.group()) and not is_placeholder(match.group()):
            yield match.span()


def prefix(key: str) -> str:
    """The letters by which a key's service is known; "" where it has none."""
    found = _PREFIX.match(key)
    return found.group() if found else ""


def is_placeholder(value: str) -> bool:
    """`YOUR_API_KEY`, `AKIAIOSFODNN7EXAMPLE`: stands where a secret would."""
    return _PLACEHOLDER.search(value) is not None


def _is_varied(key: str) -> bool:
    """Made by chance: no words with hyphens ("sk-the-long-and-winding-road"), no single letter."""
    return any(map(str.isdigit, key)) and len(set(key)) >= 10
