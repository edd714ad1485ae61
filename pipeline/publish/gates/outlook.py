"""What the gates of a recipe are, and what would keep its dataset from being released, as far as
the recipe alone says it: before a single row is read."""

from __future__ import annotations

from collections.abc import Iterator

from pipeline.publish.gates import licences
from pipeline.publish.gates.refusal import Refusal
from pipeline.recipe.settings import Recipe

GENERATED = "generated"  # the name of the source of talks


def outlook(recipe: Recipe) -> Iterator[str]:
    """Lines for a person: what is admitted, then what would be refused."""
    settings = recipe.publish
    parts = [f"rating {settings.rating}"]
    if settings.consent:
        parts.append(f"consent for {', '.join(settings.consent)}")
    parts.append(f"private rows without consent: {settings.private_rows}")
    if settings.allow:
        parts.append(f"allowed whatever they find: {', '.join(settings.allow)}")
    parts += [f"test `{test}`" for test in settings.tests]
    parts += [f"nothing of {name}" for name in settings.benchmarks]
    yield f"a release needs: {'; '.join(parts)}"
    for one in _refusals(recipe):
        if one.gate not in settings.allow:
            yield f"  it would be refused: {one}"


def _refusals(recipe: Recipe) -> Iterator[Refusal]:
    """Sources without a licence, and licences that do not go together. What the Hub says of its
    datasets is known when they are read."""
    named = {source.name: source.license for source in recipe.collect.sources if not source.hub}
    generating = recipe.generate
    models = [recipe.models[name] for name in generating.models if name in recipe.models]
    if generating.wanted and not all(model.is_rehearsal for model in models):
        named[GENERATED] = generating.license
    for source, name in named.items():
        if name is None:
            yield Refusal("licences", f"source {source} states no licence", licences.UNSTATED)
        elif licences.licence(name).kind == "unchanged":
            problem = f"source {source} is under {name}, which lets nobody share changes"
            yield Refusal("licences", problem, licences.CHANGED)
    stated = {name for name in named.values() if name}
    for first, second in licences.apart(stated):
        yield Refusal("licences", f"{first} and {second} do not go together", licences.APART)
