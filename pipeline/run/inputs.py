"""What stages read besides rows and settings, as values that change when it does."""

from __future__ import annotations

import hashlib
import importlib.metadata
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from pipeline import UserError, collect
from pipeline.collect.web import WebUnit
from pipeline.formats.card_files import card_files, card_places
from pipeline.generate import people
from pipeline.recipe.collect import CollectSettings
from pipeline.recipe.score import ScoreSettings
from pipeline.recipe.settings import Recipe
from pipeline.run.about import about
from pipeline.run.calibration import calibration
from pipeline.run.classifiers import classifiers_digest, with_classifiers
from pipeline.run.steps.beside import benchmark_digests, benchmark_texts
from pipeline.run.tokenizer import tokenizer_digest, with_tokenizer
from pipeline.store.agreement import as_record
from pipeline.store.files import digest

MODELS = Path(__file__).parents[1] / "annotate" / "models"
# what decides a model's answer; limits and prices do not
ANSWERING = {"base_url", "model", "extra"}


def of_collect(recipe: Recipe) -> str:
    """The files of all sources."""
    return _of_sources(recipe.collect, recipe.folder)


def of_dedup(recipe: Recipe) -> str | None:
    """The sets to compare with."""
    if not recipe.dedup.against:
        return None
    return _of_sources(CollectSettings(sources=recipe.dedup.against), recipe.folder)


def of_generate(recipe: Recipe) -> dict[str, Any]:
    """Cards, texts, models, and what the ids of rows are made from. Raises UserError where there is
    no card."""
    places = card_places(recipe.folder, recipe.generate.cards)
    beside = recipe.generate.texts_in(recipe.folder)
    given = [recipe.folder / source.path for source in recipe.generate.personas]
    own = sorted(file for file in beside.rglob("*") if file.is_file()) if beside else []
    cards = [card for place in places for card in card_files(place)]
    return {
        "cards": [hashlib.sha256(card.read_bytes()).hexdigest() for card in cards],
        "personas": [hashlib.sha256(people.text_of(file).encode()).hexdigest() for file in given],
        "texts": [hashlib.sha256(file.read_bytes()).hexdigest() for file in own],
        "shipped": _shipped() if recipe.generate.candidates > 1 else None,
        "models": _answering(recipe, recipe.generate.models),
        "seed": recipe.seed,
        "name": recipe.name,
    }


def _answering(recipe: Recipe, names: Sequence[str]) -> dict[str, Any]:
    """Models of the recipe, by what decides their answers."""
    return {name: recipe.models[name].model_dump(mode="json", include=ANSWERING) for name in names}


def of_measuring(recipe: Recipe) -> dict[str, Any]:
    """The shipped models, and the version of the encoder. Raises UserError where it is wanted and
    not installed."""
    return {
        "shipped": _shipped(),
        "encoder": encoder_version(recipe.score),
        "classifiers": classifiers_digest(recipe),
    }


def _shipped() -> dict[str, str]:
    """The models that are part of the package, by the digest of each file."""
    files = sorted(MODELS.glob("*.npz"))
    return {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in files}


def check_libraries(recipe: Recipe, stages: Collection[str]) -> None:
    """Is there what these stages want: encoder, classifiers, tokenizer, benchmarks? Asked before
    the first stage, not when theirs comes, hours later. Raises UserError."""
    if "score" in stages:
        encoder_version(recipe.score)
        with_classifiers(recipe.score, recipe)
    if "publish" in stages:
        with_tokenizer(recipe.publish, recipe)
        benchmark_texts(recipe)


def encoder_version(settings: ScoreSettings) -> str | None:
    """The version of the encoder, where one is wanted. Raises UserError where it is not
    installed."""
    if settings.encoder is None:
        return None
    try:
        return importlib.metadata.version(settings.encoder)
    except importlib.metadata.PackageNotFoundError:
        raise UserError(
            f"`score: {{encoder: {settings.encoder}}}` needs a library that is not installed: "
            "pip install 'rapport-dialogues[encoder]'."
        ) from None


def of_score(recipe: Recipe) -> dict[str, Any]:
    """What measuring reads, the models that judge, and the seed they are given."""
    found = of_measuring(recipe)
    judges = recipe.score.judge.models
    if judges:
        found |= {"models": _answering(recipe, judges), "seed": recipe.seed}
    return found


def of_publish(recipe: Recipe) -> dict[str, Any]:
    """What splits and card are made from. Raises UserError where the calibration, or the text about
    the dataset, cannot be read."""
    found = calibration(recipe)
    return {
        "seed": recipe.seed,
        "name": recipe.name,
        "calibration": found and as_record(found),
        "tokenizer": tokenizer_digest(recipe),
        "about": about(recipe),
        "benchmarks": benchmark_digests(recipe),
    }


def _of_sources(settings: CollectSettings, folder: Path) -> str:
    """An edited file has another size or time of change and is read again.

    A Hub dataset is named by its commit, which the settings hold.
    """
    near = [source for source in settings.sources if not source.hub]
    units = collect.units(settings.model_copy(update={"sources": near}), folder)
    return digest([(repr(unit), _pages(unit, folder)) for unit in units])


def _pages(unit: collect.Unit, folder: Path) -> list[tuple[str, int, int]]:
    """Every file that a crawl of local pages may come to: below the folders of its start pages."""
    if not isinstance(unit, WebUnit):
        return []
    starts = [start for start in unit.source.start if _is_local(start)]
    tops = {(folder / _path_of(start)).parent for start in starts}
    found = []
    for top in sorted(tops):
        for path in sorted(top.rglob("*")):
            if path.is_file():
                stat = path.stat()
                found.append((str(path), stat.st_size, stat.st_mtime_ns))
    return found


def _is_local(start: str) -> bool:
    return start.startswith("file:") or "://" not in start


def _path_of(start: str) -> str:
    return unquote(urlsplit(start).path if "://" in start else start)
