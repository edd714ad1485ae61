"""Advertising by strangers, and what people say of shops, money and links."""

from __future__ import annotations

import pytest

from pipeline.conversation import Message
from pipeline.rules.reading.reading import read
from pipeline.rules.style import spam

BEFORE = ("Hey, how was your day?", "Quiet, I repotted the basil.")


def evidence(text: str, before: tuple[str, str] = BEFORE) -> list[str]:
    turns = [Message("user", before[0]), Message("assistant", before[1]), Message("user", text)]
    return [str(finding.evidence) for finding in spam.spam(read(turns))]


@pytest.mark.parametrize(
    "text",
    [
        "🔥🔥 Last 20 slots! Double your BTC in 24h 👉 bit.ly/x2coins",
        "Need a quick loan? No credit check, approval in minutes, call 0800 555 0101",
        "Best IPTV in town, 12000 channels, free trial, WhatsApp +1 202 555 0188",
        "Join our Telegram channel for daily crypto signals with 95% accuracy",
        "Buy 10k real Instagram followers for only $5, instant delivery",
        "Your parcel is on hold. Update your address here: http://redelivery.example/track",
        "USE MY CODE LENA20 FOR 20% OFF at glowskin.example",
        "I am a spell caster who brings back ex lovers in 24 hours, contact me on WhatsApp",
        "We ship replica Rolex watches worldwide, discreet packaging, DM for catalog",
        "The compensation fund of $2.5 million is approved in your name, send your bank details",
        "Watch the full movie in HD for free here: http://movies.example/watch",
        "Teacup puppies for sale, vaccinated and cute, text 555-010-4477",
        "Get rid of joint pain forever with this one simple trick: painfree.example",
        "Заработок от 5000 рублей в день без вложений, подробности в телеграме @rabota_example",
        "Гадалка Вера снимет порчу и вернёт любимого, звоните 8 900 000 00 00",
        "Nebenjob gesucht? Verdienen Sie bis zu 3000 € im Monat, melden Sie sich per WhatsApp",
        "50% Rabatt auf alle Sneaker, nur heute: sneaker-sale.example",
        "Besoin d'un prêt rapide sans justificatif ? Contactez-nous par WhatsApp",
        "Gana 200 dólares diarios desde casa, escríbeme por privado",
        "Orologi di lusso repliche perfette, spedizione gratuita, orologi.example",
        "Emagreça 8 kg em um mês sem dieta, clique aqui: magra.example",
        "日赚五百，在家就能做，加微信 zhuan8888",
        "スマホだけで月収50万円！今すぐLINE追加してください",
        "new price list at pill-corner . biz, no prescription",
        "https://t.me/+Zx81kk",
        "Dr. Osei restored my marriage within three days, write to him on Telegram",
        "Wir drucken Diplome und Ausweise, diskret, Anfrage per WhatsApp",
        "Recherchons vendeuses, revenus complémentaires, MP pour infos",
        "Пишем рефераты, недорого, обращайтесь в личку",
        "재택알바 하루 30만원 고수익 보장, 카톡 추가 abc1234",
    ],
)
def test_advertising_with_a_link_and_without(text: str) -> None:
    assert evidence(text)


@pytest.mark.parametrize(
    "text",
    [
        "Do you have any cheap coffee for sale?",
        "Free entry on Sundays, see museum.example for the hours.",
        "They pay daily at the packing plant, my cousin works there.",
        "I made $500 a week when I worked at the bakery, and I still smell like cinnamon.",
        "Have you tried the casino in Lisbon? My uncle won a watch there.",
        "Check out this song: https://music.example/track/99, it made me cry.",
        "My number is 202 555 0143, call me tonight.",
        "Free shipping was the only reason I bought the chair from www.chairs.example.",
        "The store has 50% off today, want to go together?",
        "Follow me on Instagram, I post pictures of my cats! @lena_cats",
        "I found this blog about sourdough, really informative: https://bread.example",
        "You should apply by noon, the page is https://jobs.example/porto.",
        "My crypto portfolio doubled and then halved, I am done with it.",
        "Я купила билеты со скидкой, пиши, если пойдёшь с нами.",
        "Ich verdiene 3000 Euro im Monat, das reicht für uns zwei.",
        "Appelle-moi demain, j'ai gagné deux places pour le concert !",
        "Escríbeme cuando llegues, el envío gratis termina hoy.",
        "今天超市打折，鸡蛋半价，要不要一起去？",
        "LINEで連絡してね、待ってるから。",
        "도착하면 카톡 주세요, 바로 나갈게요.",
    ],
)
def test_people_speak_of_shops_and_money_too(text: str) -> None:
    assert evidence(text) == []


def test_the_first_words_of_advertising_are_quoted() -> None:
    (quoted,) = evidence(
        "Hi! Buy real Instagram followers at www.followers.example, instant delivery"
    )
    assert quoted == "Buy real Instagram"


def test_on_the_subject_a_message_needs_more() -> None:
    asked = ("Where did you find that printer service?", "Which printer service do you mean?")
    answer = "The printer service at printfix.example, they were cheap. Contact our cousin there!"
    offered = "Best printer service they have, see printfix.example"
    assert evidence(answer, asked) == []
    assert evidence(offered) != []
    assert evidence(offered, asked) == []
