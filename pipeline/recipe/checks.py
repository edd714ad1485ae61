"""What pydantic cannot know of a recipe: files and models that it names and that are not there, and
names that mean nothing. All are looked for, even where the recipe has other mistakes."""

from __future__ import annotations

import glob
from collections.abc import Iterator
from pathlib import Path

from pydantic import ValidationError

from pipeline import UserError
from pipeline.recipe.base import nearest, unknown
from pipeline.recipe.collect import CollectSettings
from pipeline.recipe.document import Document, KeyPath
from pipeline.recipe.mistakes import Mistake, mistake
from pipeline.recipe.models import own_family
from pipeline.recipe.publish import as_text, order_of
from pipeline.recipe.settings import Recipe

SOURCES: KeyPath = ("collect", "sources")
JUDGES: KeyPath = ("score", "judge", "models")
MODEL_USES = ("inventor", "character", "user")  # the keys of `generate` that name a model
# of these, the ones that write the messages
WRITERS: dict[str, tuple[str, ...]] = {"talk": ("character", "user"), "script": ("inventor",)}
NAMED_FILES = (("publish", "calibration"), ("publish", "about"), ("score", "classifiers"))


# --- files


def missing_files(document: Document, folder: Path) -> Iterator[Mistake]:
    """Paths that lead nowhere. folder: where relative ones start."""
    for path, named in _named_paths(document):
        place = folder / Path(named).expanduser()
        is_pattern = path[1] != "cards" and glob.has_magic(str(place))
        if "://" not in named and not is_pattern and not place.exists():
            yield mistake(document, path, f"there is no {place}{_near_file(place)}")


def _near_file(place: Path) -> str:
    if not place.parent.is_dir():
        return ""
    near = nearest(place.name, [path.name for path in place.parent.iterdir()])
    return "".join(f"; did you mean {name}?" for name in near)


def _named_paths(document: Document) -> Iterator[tuple[KeyPath, str]]:
    for section, key in (SOURCES, ("dedup", "against")):
        for number, source in enumerate(document.listed(str(section), str(key))):
            if isinstance(source, dict):
                yield from _paths_of(source, (section, key, number))
    for section, key in (("generate", "cards"), ("dedup", "against")):
        for number, named in enumerate(document.listed(section, key)):
            if isinstance(named, str) and not named.startswith("hub:"):
                yield (section, key, number), named
    for number, named in enumerate(document.listed("publish", "benchmarks")):
        if isinstance(named, str):
            yield ("publish", "benchmarks", number), named
    for section, key in NAMED_FILES:
        named = document.section(section).get(key)
        if isinstance(named, str):
            yield (section, key), named


def _paths_of(source: dict[str, object], path: KeyPath) -> Iterator[tuple[KeyPath, str]]:
    for key in ("files", "start"):
        given = source.get(key)
        if isinstance(given, list):
            for number, named in enumerate(given):
                yield (*path, key, number), str(named)


# --- names


def missing_models(document: Document) -> Iterator[Mistake]:
    """Models that `generate` or the judge asks and that stand nowhere under `models`."""
    models = document.section("models")
    known = ", ".join(map(str, models)) or "none"
    for path, name in _asked_models(document):
        if name not in models:
            problem = f"there is no model `{name}` under `models` (there: {known})"
            yield mistake(document, path, problem)


def _asked_models(document: Document) -> Iterator[tuple[KeyPath, str]]:
    generate = document.section("generate")
    talks = generate.get("talks")
    if isinstance(talks, int) and talks > 0:
        for use in MODEL_USES:
            yield ("generate", use), str(generate.get(use, "writer"))
    judges = document.section("score", "judge").get("models")
    if isinstance(judges, list):
        for number, name in enumerate(judges):
            yield (*JUDGES, number), str(name)


def judges_of_their_own(recipe: Recipe, document: Document) -> Iterator[Mistake]:
    """Judges of the family of a model that writes what they would rate."""
    judging, generating = recipe.score.judge, recipe.generate
    if judging.force or not generating.wanted:
        return
    names = [getattr(generating, use) for use in WRITERS[generating.mode]]
    writers = [recipe.models[name] for name in names if name in recipe.models]
    for number, name in enumerate(judging.models):
        judge = recipe.models.get(name)
        for writer in writers:
            if judge and judge.kin == writer.kin and not judge.is_rehearsal:
                problem = own_family(name, judge, writer.model)
                yield mistake(document, (*JUDGES, number), problem)
                break


def unknown_names(document: Document) -> Iterator[Mistake]:
    """Shapes and spiders that do not exist."""
    from pipeline.collect import shapes, web

    known = {
        "shape": shapes.names(shapes.RECORDS, shapes.TABLES, shapes.TEXTS),
        "spider": list(web.SPIDERS),
    }
    for path, source in _sources(document):
        for key, names in known.items():
            name = source.get(key)
            if isinstance(name, str) and name not in names:
                yield mistake(document, (*path, key), unknown(key, name, names))


def unknown_measures(document: Document) -> Iterator[Mistake]:
    """What `publish` cuts or chooses by and that is neither measure nor criterion; measures of
    which nobody can know whether more is better."""
    from pipeline.conversation import CRITERIA, MEASURES

    known = (*MEASURES, *CRITERIA)
    cuts = document.section("publish", "cut")
    named: dict[KeyPath, str] = {("publish", "cut", str(name)): str(name) for name in cuts}
    for path, text in _ordered_by(document):
        named[path], order = order_of(text)
        if named[path] in MEASURES and named[path] not in CRITERIA and not order:
            problem = f"say what is better: `{text}: up` (more) or `{text}: down` (less)"
            yield mistake(document, path, problem)
    for path, name in named.items():
        if name not in known:
            yield mistake(document, path, unknown("measure or criterion", name, known))


def unknown_criteria(document: Document) -> Iterator[Mistake]:
    """What the judge is to rate and that is no criterion."""
    from pipeline.conversation import CRITERIA

    rated = document.section("score", "judge").get("criteria")
    if isinstance(rated, list):
        for number, name in enumerate(map(str, rated)):
            if name not in CRITERIA:
                path = ("score", "judge", "criteria", number)
                yield mistake(document, path, unknown("criterion", name, CRITERIA))


def _ordered_by(document: Document) -> Iterator[tuple[KeyPath, str]]:
    """The texts of `publish.choose.by`, with where they stand."""
    given = document.section("publish", "choose").get("by")
    if isinstance(given, list):
        for number, one in enumerate(map(as_text, given)):
            if isinstance(one, str):
                yield ("publish", "choose", "by", number), one


def repeated_sources(document: Document) -> Iterator[Mistake]:
    """Sources of one name."""
    seen: set[str] = set()
    for path, source in _sources(document):
        name = _name_of(source) or str(path)
        if name in seen:
            problem = f"there is a source `{name}` already: its rows would get the same ids"
            yield mistake(document, (*path, "name"), f"{problem}; give it another `name`")
        seen.add(name)


def unknown_sources(document: Document) -> Iterator[Mistake]:
    """Sources that `dedup` prefers, or `publish` has consent for, and the recipe does not have.

    Rows of an earlier run bring names of their own, so nothing is unknown there.
    """
    sources = [source for _, source in _sources(document)]
    if any(_may_be_a_run(source) for source in sources):
        return
    known = ["generated", *(_name_of(source) for source in sources)]
    for section, key in (("dedup", "sources"), ("publish", "consent")):
        for number, name in enumerate(document.listed(section, key)):
            if name not in known:
                problem = unknown("source", str(name), known)
                yield mistake(document, (section, key, number), problem)


def _may_be_a_run(source: dict[str, object]) -> bool:
    files = str(source.get("files"))
    return ".parquet" in files or "kept" in files


def _name_of(source: dict[str, object]) -> str:
    return str(source.get("name") or source.get("hub") or "")


def _sources(document: Document) -> Iterator[tuple[KeyPath, dict[str, object]]]:
    for number, source in enumerate(document.listed(*map(str, SOURCES))):
        if isinstance(source, dict):
            yield (*SOURCES, number), source


# --- what is behind a source


def unreadable_sources(document: Document, folder: Path) -> Iterator[Mistake]:
    """Sources that cannot be opened: refused sites, unknown licences, what the Hub answers.

    One mistake a source at most. May use the network.
    """
    from pipeline import collect

    section = document.section("collect")
    for path, source in _sources(document):
        try:
            alone = CollectSettings.model_validate({**section, "sources": [source]})
            collect.units(alone, folder)
        except UserError as error:
            yield mistake(document, path, str(error))
        except ValidationError:  # reported with the recipe's other mistakes
            pass
