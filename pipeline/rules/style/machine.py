"""Is a character a machine? Its card or a system message says so.

"Orion is the AI of the starship"       yes
"Ada, an android"                       yes
"You are a helpful AI assistant."       no: that casts no character
"An AI researcher from Leeds"           no
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pipeline.conversation import Persona
    from pipeline.rules.reading.reading import Reading

# "An old AI", "species: robot", "the ship's AI"; not "Ai, a florist", "an AI researcher", "she
# studies AI".
_MACHINE = re.compile(
    r"(?:(?:\b(?:an?|the|eine?|une?|una|um|uma|un')"
    r"(?:\s(?!(?:who|that|of|in|on|at|for|with|and|to|by|from)\s)[\w-]+){0,2}?"
    r"[\s']\s?|'s\s|\b(?:species|race|type|kind)\W{1,4})(?:ai|a\.i\.|ki|ia|artificial intelligence)"
    r"|(?:^|[\s'])(?:robot|robô|roboter|android|androide|androïde|chatbot|cyborg|language model"
    r"|virtual (?:assistant|being|companion)|computer program|hologram|droid|gynoid|replicant"
    r"|automaton|supercomputer|ship'?s computer|bordcomputer|ordinateur de bord"
    r"|computadora de a bordo|computer di bordo|operating system|sentient (?:program|software)"
    r"|digital (?:being|consciousness|entity)|neural network"
    r"|(?:ai|ki)[\s-](?:assistant|companion|assistent|system|core|construct|persona|girlfriend"
    r"|boyfriend|character)))"
    r"(?![\w-])"
    r"(?!\s(?:ethic|research|engineer|start|compan|lab|scien|develop|safety|policy|art|tech|program"
    r"|expert|industr|firm|student|professor|conference|mechanic|repair|maker|design|build|special"
    r"|project|class|course|club|school|factory|toy|phone))"
    r"|künstliche intelligenz|intelligence artificielle|inteligencia artificial"
    r"|intelligenza artificiale|inteligência artificial"
    r"|\b(?:ии|искусственн\w+ интеллект\w*|робот(?!отех)\w{0,2}|андроид\w{0,2}|киборг\w{0,2}"
    r"|нейросет\w{1,2}|чат-?бот\w{0,2}|бортовой компьютер)\b"
    r"|(?:人工智能|机器人|仿生人|智能体|人工知能|ロボット|アンドロイド|인공지능|로봇|안드로이드"
    r"|[\u3040-\u9fff\uac00-\ud7af、，][ ]?AI(?![a-z]))"
    r"(?!\s?(?:工|研|学|专|公司|공|연구|회사|エンジニア|開発|企業|技术))",
    re.I | re.M,
)
_BARE_AI = re.compile(r"\b(?:is|am|are|'m|'s) A\.?I\b")  # "Her name is Ai"
# What prompts call every model; a name or a place before it makes a character of it.
_HELPER = re.compile(
    r"\b(?:an?|the|your|this)\s(?:[\w-]+,?\s){0,4}?(?:ai\s|language\s|chat\s|virtual\s)*"
    r"(?:assistant|language model|chat ?bot|ai model)s?\b",
    re.I,
)


def plays_a_machine(reading: Reading) -> bool:
    """Does the card or a system message say that the character is an AI, a robot or the like?"""
    return is_machine(reading.persona) or _cast_as_machine(reading)


def is_machine(persona: Persona | None) -> bool:
    """Does the card say so?"""
    if persona is None:
        return False
    texts = (persona.name, persona.description, persona.scenario, persona.greeting)
    return _speaks_of_machine(" ".join(text or "" for text in texts))


def _cast_as_machine(reading: Reading) -> bool:
    """Does a system message cast the character as one? "You are an AI assistant" does not."""
    prompts = [message.content for message in reading.messages if message.role == "system"]
    return any(_speaks_of_machine(_HELPER.sub("", prompt)) for prompt in prompts)


def _speaks_of_machine(text: str) -> bool:
    return bool(_MACHINE.search(text) or _BARE_AI.search(text))
