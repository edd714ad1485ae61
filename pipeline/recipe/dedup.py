"""Settings of `dedup`."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, field_validator

from pipeline.recipe.base import Settings
from pipeline.recipe.collect import SourceSettings


def _door(address: str) -> dict[str, Any]:
    """A set named in one word: a file, a folder, a glob, or `hub:owner/name`."""
    return {"hub": address[4:]} if address.startswith("hub:") else {"files": [address]}


class DedupSettings(Settings):
    """Who counts as heard before. Measured in pipeline/dedup/README.md."""

    threshold: float = Field(0.7, ge=0.3, le=1, description="Jaccard similarity of 5-word shingles")
    view: Literal["dialogue", "assistant", "opening"] = "dialogue"
    contained: float | None = Field(
        1.0, ge=0.5, le=1, description="share of a row's shingles found in one longer row"
    )
    contained_words: int = Field(
        20, ge=5, description="words; a shorter row is never sent away as a part of another"
    )
    shared_by: int = Field(
        50, ge=2, description="rows (and 1 in 10,000) that share a passage before it is boilerplate"
    )
    bucket: int = Field(
        50, ge=1, description="rows of one LSH bucket that each of its rows is compared with"
    )
    sources: list[str] = Field(
        [], description="names of sources, the preferred first; the others after them, all equal"
    )
    against: list[SourceSettings] = Field(
        [],
        description="sets whose conversations must not be in the result: files, `hub:owner/name`, or as sources",
    )
    only_report: bool = Field(False, description="write the pairs that are alike and drop nothing")

    @field_validator("against", mode="before")
    @classmethod
    def _doors(cls, given: Any) -> Any:
        if not isinstance(given, list):
            return given
        doors = [_door(one) if isinstance(one, str) else one for one in given]
        usual = [
            {"name": f"against {number}", "license": "LicenseRef-compared"}
            for number in range(1, len(doors) + 1)
        ]
        return [
            name | door if isinstance(door, dict) else door
            for name, door in zip(usual, doors, strict=True)
        ]
