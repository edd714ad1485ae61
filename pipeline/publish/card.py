"""The dataset card: what is in it, where it is from, and what became of every row. Measured numbers
only.

Its words stand in `configs/publish/card.md` and `card.yaml`: a section there is printed where there
is something for it. What comes from data is escaped (`markdown.py`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from string import Template

import yaml

from pipeline import texts
from pipeline.publish import infos, markdown, release
from pipeline.publish.card_parts import (
    PLACE,
    Made,
    agreement_table,
    example,
    facts,
    funnel_table,
    limits,
    pictures,
    rating_table,
    recipe_of_card,
    removed_table,
    trainers,
)
from pipeline.publish.changelog import SECTION
from pipeline.publish.choice import Choice, rows_of
from pipeline.publish.gates import licences
from pipeline.publish.markdown import table
from pipeline.publish.split import REHEARSAL
from pipeline.publish.summary import Summary
from pipeline.publish.value_counts import shown
from pipeline.store.agreement import Agreements
from pipeline.store.report import FunnelRow

# size_categories of the Hub: rows up to, name
SIZES = (
    (1_000, "n<1K"),
    (10_000, "1K<n<10K"),
    (100_000, "10K<n<100K"),
    (1_000_000, "100K<n<1M"),
)
LARGEST = "1M<n<10M"
NO_CHOICE = Choice()  # every row that may be published is
NOTHING = Made()
HEADING = re.compile(r"^(?=#{2,3} )", re.M)  # where a section of the template begins
HIDDEN = "<!-- rehearsal -->\n{}\n<!-- /rehearsal -->"  # a push takes it out


def card(
    name: str,
    summary: Summary,
    funnel: Sequence[FunnelRow],
    refused: Sequence[str] = (),
    choice: Choice = NO_CHOICE,
    agreements: Agreements | None = None,
    made: Made = NOTHING,
) -> str:
    """README.md of the published folder. funnel: one row a stage. refused: why the dataset may not
    be released, a sentence each. choice: how its rows were chosen. agreements: how far scorers
    agree with people. made: how it was made."""
    words = texts.values("publish", "card.yaml")
    given = {
        "name": markdown.text(name),
        "place": PLACE,
        "intro": words["intro"],
        "notices": _notices(summary, refused),
        "facts": facts(summary),
        "example": example(made),
        "uses": _list(words["uses"]),
        "misuses": _list(words["misuses"]),
        "about_title": "About",
        "about": made.about,
        "chosen": _chosen(choice),
        "agreements": agreement_table(agreements),
        "limits": _list(limits(words, summary, agreements)),
        "contact": _contact(words, made),
        "taken_down": _taken_down(made),
        "changes": SECTION,
        **_first_config(summary),
        **_tables(summary, funnel, made),
        **trainers(summary, name),
    }
    sections = HEADING.split(texts.text("publish", "card.md"))
    filled = [_filled(section, given) for section in sections]
    return f"---\n{_front_matter(name, summary)}---\n\n" + "\n\n".join(filter(None, filled)) + "\n"


def _filled(section: str, given: Mapping[str, str]) -> str:
    """A section with what is given for it; empty where that is nothing at all."""
    template = Template(section.strip())
    names = template.get_identifiers()
    if names and not any(given[name].strip() for name in names if not name.endswith("_title")):
        return ""
    return re.sub(
        r"\n{3,}",
        "\n\n",
        template.substitute(given),
    ).strip()


def _front_matter(name: str, summary: Summary) -> str:
    """What the Hub reads: files, languages, licence, size."""
    rows = sum(rows for split, rows in summary.splits.items() if split != REHEARSAL)
    spoken = [code for code in summary.languages if code != "unknown"]
    front: dict[str, object] = {
        "pretty_name": name,
        **infos.metadata(summary.configs),  # explicit: a stray file becomes no split
        "language": spoken,
        **licences.front({source.license for source in summary.sources}),
        "multilinguality": ["multilingual" if len(spoken) > 1 else "monolingual"],
        "size_categories": [_size(rows)],
        "task_categories": ["text-generation"],
        "task_ids": ["dialogue-generation"],
        "tags": _tags(summary),
    }
    return yaml.safe_dump(front, sort_keys=False, allow_unicode=True)


def _tags(summary: Summary) -> list[str]:
    tags = ["dialogue", "conversational", "rapport"]
    if summary.writers:
        tags.append("synthetic")
    if summary.grades:
        tags.append("not-for-all-audiences")
    return tags


def _size(rows: int) -> str:
    for limit, name in SIZES:
        if rows < limit:
            return name
    return LARGEST


# --- parts of the text


def _notices(summary: Summary, refused: Sequence[str]) -> str:
    found = [_rehearsal_notice(summary.splits), *_release_notices(summary, refused)]
    return "\n\n".join(filter(None, found))


def _rehearsal_notice(splits: Mapping[str, int]) -> str:
    count = splits.get(REHEARSAL, 0)
    if not count:
        return ""
    return HIDDEN.format(
        f"> {count} rows were written by the offline rehearsal model to try the recipe out. "
        f"They stand in the config `{REHEARSAL}`, are marked in `source.rehearsal`, and are never "
        "pushed. Train on none of them. No other number here counts them."
    )


def _release_notices(summary: Summary, refused: Sequence[str]) -> Iterator[str]:
    """Why it may not be released; or what it is released with, although it would not have to be."""
    if refused:
        yield "> **Not for release.** " + markdown.sentence(" ".join(refused))
        return
    for sentence in summary.allowed:
        yield "> Released all the same: " + markdown.sentence(sentence)
    if summary.private:
        rows = markdown.sentence(release.private_rows(summary))
        yield f"> {rows}. Whoever made this dataset states that all who wrote them agree."


def _list(sentences: Sequence[str]) -> str:
    return "\n".join(f"- {sentence}" for sentence in sentences)


def _chosen(choice: Choice) -> str:
    if not choice.how:
        return ""
    head, *rows = rows_of(choice.groups)
    return "\n\n".join([*map(markdown.sentence, choice.how), table(head, rows)])


def _contact(words: Mapping[str, str], made: Made) -> str:
    if made.contact is None:
        return words["contact"]
    return Template(words["contact_at"]).substitute(contact=markdown.text(made.contact))


def _taken_down(made: Made) -> str:
    if not made.taken_down:
        return ""
    return f"Taken down on request, in this and all later versions: {made.taken_down} rows."


def _first_config(summary: Summary) -> dict[str, str]:
    """Config and split of the example that loads."""
    for config in summary.configs:
        if config.rows:
            return {"config": config.name, "split": next(iter(config.splits))}
    return {"config": "default", "split": "train"}


def _counted_by(summary: Summary) -> str:
    if summary.tokenizer:
        return f"counted with {markdown.text(summary.tokenizer)}"
    return "estimated as a quarter of the bytes"


# --- tables


def _tables(
    summary: Summary,
    funnel: Sequence[FunnelRow],
    made: Made,
) -> dict[str, str]:
    """The parts of the card that are numbers."""
    real = [config for config in summary.configs if not infos.is_rehearsal(config)]
    splits = [(split, rows) for split, rows in summary.splits.items() if split != REHEARSAL]
    shown_charts = pictures(made.charts)
    return {
        "charts_top": shown_charts["top"],
        "charts_scores": shown_charts["scores"],
        "splits": table(("split", "rows"), splits),
        "configs": "\n\n".join(_configs(summary)),
        "config_licences": _with_head(licences.of_configs(real)),
        "accounts": _with_head(infos.accounts(real)),
        "tokens": _with_head(infos.token_table(real)),
        "counted_by": _counted_by(summary),
        "funnel": funnel_table(funnel),
        "by_source": _by_source(made),
        "removed": removed_table(funnel),
        "sources": _sources(summary),
        "languages": table(("language", "rows"), list(summary.languages.items())),
        "measures": _measures(summary),
        "ratings": rating_table(summary.ratings),
        "writers": _writers(summary),
        "versions": table(("software", "version"), list(made.versions.items())),
        "recipe": recipe_of_card(made.recipe),
    }


def _with_head(found: Sequence[Sequence[object]]) -> str:
    head, *rows = found
    return table(head, rows)


def _configs(summary: Summary) -> Iterator[str]:
    """What there is to load; that of the rehearsal model apart, as it stays here."""
    real = [config for config in summary.configs if not infos.is_rehearsal(config)]
    rehearsed = [config for config in summary.configs if infos.is_rehearsal(config)]
    yield _with_head(infos.overview(real))
    if any(config.rows for config in rehearsed):
        yield HIDDEN.format(_with_head(infos.overview(rehearsed)))


def _by_source(made: Made) -> str:
    rows = []
    for fate in made.fates:
        reasons = ", ".join(f"{rule} {count}" for rule, count in fate.reasons.items())
        rows.append((fate.stage, fate.source, fate.kept, fate.dropped, reasons))
    return table(("stage", "source", "kept", "dropped", "why"), rows)


def _sources(summary: Summary) -> str:
    rows = []
    for source, count in summary.sources.items():
        licence = source.license or "not stated"
        attribution = source.attribution or ""
        rows.append((source.name, source.kind, count, licence, attribution))
    return table(("source", "kind", "rows", "licence", "attribution"), rows)


def _measures(summary: Summary) -> str:
    rows = []
    for measure, found in summary.measures.items():
        rows.append((measure, *map(shown, found)))
    return table(("measure", "p5", "p50", "p95"), rows)


def _writers(summary: Summary) -> str:
    rows = []
    for writer, count in summary.writers.items():
        rows.append((", ".join(writer.models), writer.prompt or "", count))
    return table(("models", "hash of the prompt", "rows"), rows)
