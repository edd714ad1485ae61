"""The card: every number is a recount, what comes from data is escaped, other tools read what
stands beside it."""

from __future__ import annotations

import json
import logging
import re
import xml.etree.ElementTree as ElementTree
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from markdown_it import MarkdownIt

from pipeline import UserError, api
from pipeline.conversation import Annotation, Conversation, Language, Persona, Score
from pipeline.publish import changelog, markdown
from pipeline.publish.changelog import LastRelease
from pipeline.publish.value_counts import ValueCounts, rounded, shown
from pipeline.store.store import Store
from tests.rows import conversation

ROWS = 90
HOSTILE = "x|y <script>alert(1)</script> [go](http://evil.example) `a` ![i](http://b.example/p.png)"


def scored(number: int) -> Conversation:
    """A row as `score` hands it on; every ninth is of the rehearsal model, every tenth is cut."""
    row = conversation(number, split_group=f"thread {number // 2}")
    chance = np.random.default_rng(number)
    source = row.source._replace(name=f"site {number % 3}", rehearsal=number % 9 == 8)
    if number % 3 == 2:
        source = source._replace(kind="generated", models=("writer-7b",), prompt="ab12")
    value = float(chance.uniform(1, 5)) if number % 5 else None
    return replace(
        row,
        source=source._replace(license=("MIT", None, "CC-BY-4.0")[number % 3]),
        language=Language("en" if number % 4 else "de", 0.9),
        measures={
            "turns": 6.0,
            "words": float(chance.integers(60, 240)),
            "questions": 0.0 if number % 10 == 7 else float(chance.uniform(0.1, 1)),
        },
        annotations=tuple(Annotation(closeness=float(chance.normal())) for _ in row.messages),
        scores=(Score("pacing", value, "course"), Score("safe", float(number % 5 + 1), "rules")),
    )


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of `publish` on such rows."""
    folder = tmp_path_factory.mktemp("run")
    Store(folder, "in").write("00000-000", "key", map(scored, range(ROWS)))
    (folder / "about.md").write_text("Made for **us**.")
    api.publish(
        folder / "in" / "kept",
        out=folder / "set",
        cut={"questions": {"min": 0.05}},
        about=str(folder / "about.md"),
        contact="ada@example.org",
        validation=0.1,
    )
    return folder / "set"


@pytest.fixture(scope="module")
def text(run: Path) -> str:
    return (run / "6-publish" / "dataset" / "README.md").read_text()


def table(text: str, heading: str) -> list[list[str]]:
    """The cells of the first table below a heading, its head left out."""
    found = re.search(rf"^#+ {re.escape(heading)}.*?\n\n(\|.*?)\n\n", text, re.M | re.S)
    assert found, heading
    lines = found[1].splitlines()[2:]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]


@pytest.fixture(scope="module")
def full(run: Path) -> pd.DataFrame:
    """The published rows, counted from the files alone."""
    files = (run / "6-publish" / "dataset" / "full").glob("*.parquet")
    frames = [pd.read_parquet(path).assign(split=path.name.split("-")[0]) for path in files]
    return pd.concat(frames)


def test_rows_of_splits_sources_and_languages_are_recounted(text: str, full: pd.DataFrame) -> None:
    splits = {name: int(rows) for name, rows in table(text, "Splits")}
    assert splits == dict(Counter(full["split"]))
    sources = Counter(
        (one["name"], one["kind"], one["license"] or "not stated") for one in full["source"]
    )
    assert {(n, kind, li): int(r) for n, kind, r, li, _ in table(text, "Sources")} == sources
    codes = Counter(one["code"] for one in full["language"])
    assert {name: int(rows) for name, rows in table(text, "Languages")} == codes
    assert f"| **Rows** | {len(full)}: train" in text
    written = sum(bool(len(one["models"])) for one in full["source"])
    assert table(text, "How it was made") == [["writer-7b", "ab12", str(written)]]
    assert f"{written} of the {len(full)} rows were written by models" in text
    stated = sum(one["license"] is not None for one in full["source"])
    assert f"{len(full) - stated} rows are of sources that state no licence" in text


def test_percentiles_and_scores_are_recounted(text: str, full: pd.DataFrame) -> None:
    measured = {row[0]: row[1:] for row in table(text, "Measured on the published rows")}
    assert set(measured) == {"turns", "words", "questions"}
    for name, cells in measured.items():
        values = [one[name] for one in full["measures"]]
        expected = np.quantile(values, (0.05, 0.5, 0.95), method="inverted_cdf")
        assert cells == [shown(value) for value in expected]
    for criterion, by, rated, null, *cells in table(text, "Scores, from 1 to 5"):
        of = [s["value"] for scores in full["scores"] for s in scores if s["by"] == by]
        values = [value for value in of if value is not None]
        assert (int(rated), int(null)) == (len(values), len(of) - len(values)), criterion
        expected = np.quantile(values, (0.05, 0.5, 0.95), method="inverted_cdf")
        assert cells == [shown(value) for value in expected]


def test_the_funnel_counts_no_row_of_the_rehearsal_model(run: Path, text: str) -> None:
    rows = [scored(number) for number in range(ROWS)]
    real = [row for row in rows if not row.source.rehearsal]
    cut = [row for row in real if row.measures["questions"] < 0.05]
    funnel = {row[0]: row[1:7] for row in table(text, "From source to dataset")}
    kept = str(len(real) - len(cut))
    assert funnel == {
        "collect": [str(len(real)), "0", str(len(real)), "0", "0", "0"],
        "publish": [str(len(real)), "0", kept, str(len(cut)), "0", "0"],
    }
    found = {(row[0], row[1]): row[2:] for row in table(text, "By source")}
    for name in ("site 0", "site 1", "site 2"):
        own = [row for row in real if row.source.name == name]
        gone = sum(row in cut for row in own)
        why = f"publish.questions {gone}" if gone else ""
        assert found["publish", name] == [str(len(own) - gone), str(gone), why]
    removed = [["publish", "publish.questions", str(len(cut))]]
    assert table(text, "What was removed, and why") == removed
    rehearsed = [row for row in rows if row.source.rehearsal and row.measures["questions"] >= 0.05]
    assert f"> {len(rehearsed)} rows were written by the offline rehearsal model" in text


def test_the_first_screen_has_what_a_reader_asks_first(text: str) -> None:
    body = text.split("---\n", 2)[2]
    screen = "\n".join(body.splitlines()[:45])
    for what in (
        "**Rows**",
        "**Languages** | en ",
        "**Licence** | CC-BY-4.0, MIT",
        "load_dataset(",
    ):
        assert what in screen
    (example,) = re.findall(r"```json\n(\{\n \"id\".*?)\n```", screen, re.S)
    assert [one["role"] for one in json.loads(example)["messages"]][-1] == "assistant"


def test_the_publishers_own_text_and_contact_stand_in_it(text: str) -> None:
    assert "## About\n\nMade for **us**." in text
    assert "Write to ada@example.org, with the `id` of the row" in text
    for tool in (
        "SFTTrainer",
        "FastLanguageModel",
        "type: chat_template",
        '"formatting": "sharegpt"',
    ):
        assert tool in text
    recipe = re.search(r"```yaml\n(name: .*?)```", text, re.S)
    assert recipe
    assert yaml.safe_load(recipe[1])["publish"]["about"] == "about.md"
    with pytest.raises(UserError, match=r"publish\.about: .*none\.md"):
        api.publish([{"messages": []}], about="none.md")


def test_what_comes_from_data_is_text_and_nothing_else(tmp_path: Path) -> None:
    rows = [
        replace(
            row,
            source=row.source._replace(name=HOSTILE, attribution=HOSTILE, license="MIT"),
            persona=Persona("Ada", HOSTILE),
        )
        for row in (conversation(n, ["```\n<b>Hi</b>", f"{HOSTILE}\n```"]) for n in range(12))
    ]
    Store(tmp_path, "in").write("00000-000", "key", rows)
    result = api.publish(tmp_path / "in" / "kept", out=tmp_path / "set")
    body = (result.path / "README.md").read_text().split("---\n", 2)[2]
    html = MarkdownIt("commonmark", {"html": True}).enable("table").render(body)
    assert "<script" not in html
    assert "<b>" not in html
    assert "evil.example)" in html
    assert 'href="http://evil' not in html
    assert "p.png" in html
    assert 'src="http://b' not in html
    (row,) = table(body, "Sources and licences")
    assert row[0] == row[4] != HOSTILE  # five cells, whatever the name holds


@pytest.mark.parametrize(
    "name", ["```<b>`", "` ```<b>`", "`x``<b>`", "\\`<b>`", "``<b>` `", "a`<b>"]
)
def test_no_mixture_of_backticks_lets_markup_out(name: str) -> None:
    html = MarkdownIt("commonmark", {"html": True}).render(markdown.sentence(name))
    assert "<b>" not in html


def test_charts_are_pictures_of_both_kinds(run: Path) -> None:
    from PIL import Image

    folder = run / "6-publish" / "dataset" / "charts"
    names = {path.stem for path in folder.glob("*.svg")}
    assert names == {"turns", "lengths", "languages", "closeness", "scores"}
    for name in names:
        root = ElementTree.parse(folder / f"{name}.svg").getroot()
        with Image.open(folder / f"{name}.png") as image:
            assert image.size == (2 * int(root.attrib["width"]), 2 * int(root.attrib["height"]))
            colors = image.convert("RGB").getcolors(100_000)
        assert colors
        assert len(colors) > 10  # something is drawn


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of rdflib, which mlcroissant calls
def test_croissant_is_valid_and_its_tool_reads_every_row(
    run: Path, full: pd.DataFrame, caplog: pytest.LogCaptureFixture
) -> None:
    import mlcroissant

    caplog.set_level(logging.ERROR)
    path = run / "6-publish" / "dataset" / "croissant.json"
    dataset = mlcroissant.Dataset(jsonld=path)
    assert not dataset.metadata.ctx.issues.errors
    for config in ("default", "full"):
        rows = list(dataset.records(config))
        assert len(rows) == len(full)
        splits = Counter(row[f"{config}/split"].decode() for row in rows)
        assert splits == Counter(full["split"])
    record = json.loads(path.read_text())
    files = {one["@id"]: one for one in record["distribution"] if "sha256" in one}
    store = Store(run, "6-publish/dataset")
    for name, one in files.items():
        assert one["sha256"] == store.digest_of(name)
    assert not [name for name in files if name.startswith("rehearsal")]
    assert record["rai:personalSensitiveInformation"]


def test_value_counts_of_parts_are_those_of_all(full: pd.DataFrame) -> None:
    import pyarrow as pa

    values = np.random.default_rng(1).lognormal(2, 3, 4_000)
    parts = [
        ValueCounts.of(pa.array(values[start : start + 700])) for start in range(0, 4_000, 700)
    ]
    whole = sum(parts[1:], parts[0])
    assert len(whole) == 4_000
    for share in (0.05, 0.5, 0.95):
        expected = np.quantile(values, share, method="inverted_cdf")
        assert shown(whole.percentile(share)) == shown(expected)
    assert rounded(np.array([0.0, -0.0004567, 99.96, 1234.5])).tolist() == [0, -0.000457, 100, 1234]


def test_a_changelog_has_an_entry_for_each_release_and_none_twice() -> None:
    first = changelog.continued(LastRelease(), "a", {"default": {"train": 10}}, "2026-01-02")
    last = LastRelease(content="a", rows={"default": {"train": 10}}, changelog=first)
    again = changelog.continued(last, "a", {"default": {"train": 10}}, "2026-05-05")
    assert again == first
    second = changelog.continued(last, "b", {"default": {"train": 9}}, "2026-05-05")
    assert second.splitlines() == [
        *("### v2, 2026-05-05", "", "- `default`: 9 rows, 10 before", ""),
        *("### v1, 2026-01-02", "", "- `default`: 10 rows"),
    ]
    card = changelog.with_changelog(f"x\n\n{changelog.SECTION}\n", second)
    assert changelog.number_of_newest(second) == 2
    assert card.count("###") == 2
