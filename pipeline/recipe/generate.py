"""Settings of `generate`."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, Self

from pydantic import Field, field_validator, model_validator

from pipeline.recipe.base import Settings

CHARACTER_FIELDS = ("name", "age", "description", "greeting", "scenario", "archetype")
USER_FIELDS = ("name", "age", "description", "style", "archetype")


class PersonaFile(Settings):
    """People of a file of records; fields that are not named have our own names."""

    path: str = Field(description=".jsonl, .json or .csv, beside the recipe")
    role: Literal["character", "user"] = Field("character", description="which side they speak for")
    fields: dict[str, str] = Field({}, description="our name of a field → the file's")

    @property
    def named(self) -> dict[str, str]:
        """Every field of ours by the file's name of it."""
        ours = CHARACTER_FIELDS if self.role == "character" else USER_FIELDS
        return {name: self.fields.get(name, name) for name in ours}

    @model_validator(mode="after")
    def _known(self) -> Self:
        unknown = sorted(self.fields.keys() - self.named.keys())
        if unknown:
            raise ValueError(f"{unknown[0]!r} is no field of ours; {', '.join(self.named)} are")
        return self


class GenerateSettings(Settings):
    """Conversations to add: (seeds + cards + characters) × talks. Without talks, none."""

    language: str = Field(
        "en",
        pattern="^[a-z]{2}$",
        description="of prompts and talks: de, en, es, fr, ru, zh; another one by files",
    )
    language_files: str | None = Field(
        None, description="folder with the texts of another language, or in the place of ours"
    )
    seeds: int = Field(0, ge=0, description="bundled characters that talk themselves")
    cards: list[str] = Field(
        [], description="character cards (.json, .png) or folders of them; their characters talk"
    )
    personas: list[PersonaFile] = Field(
        [], description="files of people: characters that talk, or users who write to them"
    )
    characters: int = Field(0, ge=0, description="characters to invent")
    users: int = Field(0, ge=0, description="user personas to invent beside the bundled ones")
    situations: int = Field(0, ge=0, description="situations to invent beside the bundled ones")
    talks: int = Field(0, ge=0, description="pairs of each character with a user")
    sittings: tuple[int, int] = Field(
        (1, 1), description="fewest and most talks of a pair, one after the other"
    )
    mode: Literal["talk", "script"] = Field(
        "talk", description="two models in turn, or a whole dialogue in one call"
    )
    inventor: str = Field(
        "writer", description="which of the recipe's models invents and writes scripts"
    )
    character: str = Field(
        "writer", description="which of the recipe's models speaks for the character"
    )
    user: str = Field("writer", description="which of the recipe's models speaks for the user")
    # With 30, most talks that end as a friendship had no time to try a step again: our choice.
    turns: tuple[int, int] = Field(
        (6, 36), description="fewest and most messages of a talk; below 22 none becomes close"
    )
    character_words: int = Field(
        22, gt=0, description="median words of a character's message; our choice"
    )
    user_words: int = Field(12, gt=0, description="median words of a user's message; our choice")
    length_variation: float = Field(
        0.9, ge=0, le=2, description="deviation / mean of lengths; people: .8 to 1.0"
    )
    novelty: float | None = Field(
        None, ge=0, le=1, description="fixed ROUGE-L F cut-off; none: calibrated"
    )
    unrelated_accepted: float = Field(
        0.95, gt=0, lt=1, description="share of unrelated texts that are new enough"
    )
    asks: int = Field(
        3,
        ge=1,
        description="calls for one message, each with the failure before it; our choice",
    )
    window: int | None = Field(
        None,
        ge=200,
        description="tokens of a talk that are sent whole; of what lies before only quotes are; "
        "none: all is sent",
    )
    candidates: int = Field(
        1,
        ge=1,
        le=8,
        description="good texts asked for where a talk turns (a step, an answer to sadness, the "
        "end); the best stands, the others are its alternatives",
    )
    attempts: int = Field(
        3, ge=1, description="talks begun for one slot before it is given up; our choice"
    )
    temperature: float = Field(
        1.0, ge=0, le=2, description="sampling temperature (gpt_roleplay_realm: 1.0)"
    )
    top_p: float = Field(0.95, gt=0, le=1, description="nucleus sampling (gpt_roleplay_realm: .95)")
    license: str | None = Field(None, description="SPDX name of the licence of generated rows")

    @field_validator("turns", mode="before")
    @classmethod
    def _two_numbers(cls, turns: object) -> object:
        if not isinstance(turns, list | tuple) or len(turns) != 2:
            raise ValueError("must be two numbers, the fewest messages and the most: [6, 36]")
        return turns

    @field_validator("turns")
    @classmethod
    def _in_order(cls, turns: tuple[int, int]) -> tuple[int, int]:
        fewest, most = turns
        if not 2 <= fewest <= most:
            raise ValueError("must be the fewest messages, 2 or more, then the most: [6, 36]")
        return turns

    @field_validator("sittings", mode="before")
    @classmethod
    def _two_counts(cls, sittings: object) -> object:
        if not isinstance(sittings, list | tuple) or len(sittings) != 2:
            raise ValueError("must be two numbers, the fewest talks of a pair and the most: [1, 5]")
        return sittings

    @field_validator("sittings")
    @classmethod
    def _some(cls, sittings: tuple[int, int]) -> tuple[int, int]:
        fewest, most = sittings
        if not 1 <= fewest <= most:
            raise ValueError("must be the fewest talks, 1 or more, then the most: [1, 5]")
        return sittings

    def texts_in(self, folder: Path) -> Path | None:
        """Where the files of a further language are. folder: of the recipe."""
        return folder / self.language_files if self.language_files else None

    @property
    def wanted(self) -> bool:
        """Is there anything to generate?"""
        people = any(source.role == "character" for source in self.personas)
        return self.talks > 0 and bool(self.seeds or self.characters or self.cards or people)

    @property
    def models(self) -> list[str]:
        """The models that are asked, by the recipe's names."""
        if not self.wanted:
            return []
        return list(dict.fromkeys((self.inventor, self.character, self.user)))
