"""Settings of `dedup`."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, field_validator

from pipeline.recipe.base import Settings
from pipeline.recipe.collect import SourceSettings


class DedupSettings(Settings):
    """Which rows count as duplicates. The defaults were measured: pipeline/dedup/README.md."""

    threshold: float = Field(
        0.7, ge=0.3, le=1, description="Jaccard similarity of 5-word shingles, of two duplicates"
    )
    view: Literal["dialogue", "assistant", "opening"] = Field(
        "dialogue",
        description="what is compared: all messages, the assistant's, or the user's first",
    )
    contained: float | None = Field(
        1.0,
        ge=0.5,
        le=1,
        description="share of a row's shingles in one longer row, from which it is a part of it; "
        "null: not looked for",
    )
    contained_words: int = Field(
        20, ge=5, description="words; a shorter row is never dropped as a part of another"
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
        description="sets whose conversations must not be in the result: files, `hub:owner/name`, "
        "or sources as under `collect`",
    )
    only_report: bool = Field(
        False, description="write the pairs of duplicates to pairs.parquet and drop nothing"
    )

    @field_validator("against", mode="before")
    @classmethod
    def _as_sources(cls, given: object) -> object:
        if not isinstance(given, list):
            return given
        return [_as_source(number, one) for number, one in enumerate(given, 1)]


def _as_source(number: int, given: object) -> object:
    """A set in full: it may be named by a file, a folder, a glob or `hub:owner/name` alone."""
    source = given
    if isinstance(given, str) and given.startswith("hub:"):
        source = {"hub": given.removeprefix("hub:")}
    elif isinstance(given, str):
        source = {"files": [given]}
    if not isinstance(source, dict):
        return given
    usual = {"name": f"against {number}", "license": "LicenseRef-compared"}
    return usual | source
