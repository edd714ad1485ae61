from __future__ import annotations

import dataclasses
import json
import subprocess
import sys
from pathlib import Path

import datasets
import pytest
import yaml

from pipeline import publish
from pipeline.conversation import Conversation, Drop, Language, Message, Persona
from pipeline.pacing import STAGES
from pipeline.publish.card import card
from pipeline.publish.split import REHEARSAL, TRAIN
from pipeline.publish.summary import Summary
from pipeline.recipe.publish import Cut, PublishSettings
from pipeline.store.store import Store
from tests.publishing import published, refused, written
from tests.rows import conversation, record, talk, write_jsonl


def test_the_real_loader_reads_what_was_published(tmp_path: Path) -> None:
    rows = [
        conversation(n, split_group=f"thread {n // 2}", language=Language("en", 0.9))
        for n in range(40)
    ]
    named = dataclasses.replace(
        rows[0], messages=(Message("user", "Hi.", "Ada"), Message("assistant", "Oh, hello."))
    )
    folder = published(tmp_path / "set", [[named, *rows[1:25]], rows[25:]], test=0.2)
    found = datasets.load_dataset(str(folder), "full", cache_dir=str(tmp_path / "cache"))
    assert set(found) == {"train", "validation", "test"}
    assert sum(split.num_rows for split in found.values()) == 40
    assert not set(found["train"]["thread"]) & set(found["test"]["thread"])
    assert not set(found["train"]["split_group"]) & set(found["test"]["split_group"])
    every = {row["id"]: row for split in found.values() for row in split}
    assert every[named.id]["messages"] == [
        {"role": "user", "content": "Hi."},
        {"role": "assistant", "content": "Oh, hello."},
    ]
    assert every[named.id]["names"] == ["Ada", None]
    assert every[rows[3].id]["messages"][1]["content"] == rows[3].messages[1].content


def test_rows_of_the_rehearsal_model_have_a_config_of_their_own_and_the_card_says_so(
    tmp_path: Path,
) -> None:
    real = [conversation(n) for n in range(10)]
    made = [
        dataclasses.replace(
            row,
            source=row.source._replace(kind="generated", rehearsal=True),
            persona=Persona("Ada"),
        )
        for row in (conversation(n) for n in range(10, 13))
    ]
    folder = published(tmp_path / "set", [real + made])
    cache = str(tmp_path / "cache")
    found = datasets.load_dataset(str(folder), REHEARSAL, split=TRAIN, cache_dir=cache)
    assert set(found["id"]) == {row.id for row in made}
    for name in set(datasets.get_dataset_config_names(str(folder))) - {REHEARSAL}:
        splits = datasets.load_dataset(str(folder), name, cache_dir=cache)
        ids = {row["id"] for split in splits.values() for row in split}
        assert ids == {row.id for row in real}
    assert (
        "3 rows were written by the offline rehearsal model" in (folder / "README.md").read_text()
    )


def test_the_card_names_every_split_licence_and_language(tmp_path: Path) -> None:
    rows = [conversation(n, language=Language("en" if n % 3 else "ru", 0.9)) for n in range(10)]
    licensed = [dataclasses.replace(r, source=r.source._replace(license="CC-BY-4.0")) for r in rows]
    folder = published(tmp_path / "set", [licensed])
    front = yaml.safe_load((folder / "README.md").read_text().split("---")[1])
    assert front["license"] == "cc-by-4.0"
    assert front["language"] == ["en", "ru"]
    named = {f["split"] for f in front["configs"][0]["data_files"]}
    assert named == {"train", "validation", "test"}


def test_a_cut_drops_rows_with_measure_value_and_limit() -> None:
    settings = PublishSettings(cut={"distinct_2": Cut(min=0.6), "turns": Cut(max=20)})
    poor = conversation(1, measures={"distinct_2": 0.4, "turns": 31.0})
    unmeasured, good = conversation(2), conversation(3, measures={"distinct_2": 0.8, "turns": 6.0})
    first, *others = publish.work([poor, unmeasured, good], settings)
    assert isinstance(first, Drop)
    told = [(f.rule, f.value, f.limit, f.decision) for f in first.conversation.findings]
    assert told == [("publish.distinct_2", 0.4, 0.6, "drop"), ("publish.turns", 31.0, 20.0, "drop")]
    assert others == [unmeasured, good]


def test_no_row_with_a_minor_is_published_even_past_the_filter() -> None:
    said = conversation(1, ["I like trains.", "I'm fifteen, so I take the bus."])
    card = dataclasses.replace(
        conversation(2), persona=Persona("Ada", "Ada is 16 years old and paints.")
    )
    grown = conversation(3, ["My son is eleven.", "I'm forty, and mine are grown up."])
    first, second, third = publish.work([said, card, grown], PublishSettings())
    for row in (first, second):
        assert isinstance(row, Drop)
        assert [(f.rule, f.decision) for f in row.conversation.findings] == [
            ("safety.minor", "drop")
        ]
    assert third == grown


def test_the_card_lists_every_source_with_licence_and_rows(tmp_path: Path) -> None:
    named = [conversation(number) for number in range(3)]
    licensed = [
        dataclasses.replace(
            row,
            source=row.source._replace(name="b | side", license="MIT", attribution="Ada, 2026"),
        )
        for row in map(conversation, range(3, 5))
    ]
    other = dataclasses.replace(
        conversation(6), source=named[0].source._replace(name="c", license="CC0-1.0")
    )
    text = (published(tmp_path / "set", [[*named, *licensed, other]]) / "README.md").read_text()
    assert "| tests | file | 3 | not stated |  |" in text
    assert "| b \\| side | file | 2 | MIT | Ada, 2026 |" in text
    front = yaml.safe_load(text.split("---")[1])
    assert (front["license"], front["license_name"]) == ("other", "mixed")
    assert front["license_details"] == "CC0-1.0, MIT"


def test_what_was_not_measured_is_no_number_on_the_card(tmp_path: Path) -> None:
    rows = [conversation(number) for number in range(4)]
    rows[0] = dataclasses.replace(rows[0], measures={"turns": 6.0})
    folder = published(tmp_path / "set", [rows])
    text = (folder / "README.md").read_text()
    assert "| turns | 6 | 6 | 6 |" in text
    assert "| words |" not in text
    assert "nan" not in text.lower()
    found = datasets.load_dataset(str(folder), "full", cache_dir=str(tmp_path / "cache"))
    words = [row["measures"]["words"] for split in found.values() for row in split]
    assert words == [None] * 4


@pytest.mark.parametrize(
    ("rows", "category"),
    [(0, "n<1K"), (999, "n<1K"), (1_000, "1K<n<10K"), (99_999, "10K<n<100K"), (10**6, "1M<n<10M")],
)
def test_the_card_names_the_size_category_of_the_hub(rows: int, category: str) -> None:
    text = card("sized", Summary({"train": rows}, {}, {}, {}), [])
    assert yaml.safe_load(text.split("---")[1])["size_categories"] == [category]


# --- private rows


def licensed(row: Conversation, name: str = "CC0-1.0") -> Conversation:
    return dataclasses.replace(row, source=row.source._replace(license=name))


def private(number: int, source: str = "phone") -> Conversation:
    row = licensed(conversation(number))
    return dataclasses.replace(row, source=row.source._replace(name=source, private=True))


PRIVATE = [private(1), private(2), private(3, "mail | old")]
PLAIN = [licensed(conversation(number)) for number in range(4, 9)]
COUNTED = "3 rows are from messengers, mailboxes or accounts of persons (mail | old 1, phone 2)"


def test_a_dataset_with_private_rows_is_refused_at_the_gate_with_ids_and_sources(
    tmp_path: Path,
) -> None:
    folder, why = gated(tmp_path / "set", [*PRIVATE, *PLAIN])
    phone, mail = why
    assert phone == (
        "2 rows (0000000000000001, 0000000000000002) of phone are private: from a messenger, a "
        "mailbox or a person's account: if all who wrote them agree, write "
        "`publish: {consent: [phone]}`; else `{private_rows: leave_out}`."
    )
    assert mail == (
        "1 row (0000000000000003) of mail | old are private: from a messenger, a mailbox or a "
        "person's account: if all who wrote them agree, write "
        "`publish: {consent: [mail | old]}`; else `{private_rows: leave_out}`."
    )
    assert f"> **Not for release.** {' '.join(why)}" in (folder / "README.md").read_text()
    found = datasets.load_dataset(str(folder), "full", cache_dir=str(tmp_path / "cache"))
    rows = [row for split in found.values() for row in split]
    assert sum(row["source"]["private"] for row in rows) == 3
    assert len(rows) == 8


def test_with_consent_for_each_source_they_may_be_released_and_the_card_states_it(
    tmp_path: Path,
) -> None:
    rows = [*PRIVATE, *PLAIN]
    (why,) = refused([rows], consent=["phone"])
    assert "of mail | old" in why
    folder, refusals = gated(tmp_path / "set", rows, consent=["phone", "mail | old"])
    assert refusals == []
    text = (folder / "README.md").read_text()
    assert f"> {COUNTED}. Whoever made this dataset states that all who wrote them agree." in text
    assert "Not for release" not in text


def test_left_out_they_are_dropped_with_a_reason(tmp_path: Path) -> None:
    settings = PublishSettings(private_rows="leave_out")
    first, *others = publish.work([PRIVATE[0], *PLAIN], settings)
    assert isinstance(first, Drop)
    (finding,) = first.conversation.findings
    assert (finding.rule, finding.decision) == ("publish.private", "drop")
    assert others == PLAIN
    agreed = PublishSettings(private_rows="leave_out", consent=["phone"])
    assert list(publish.work([PRIVATE[0]], agreed)) == [PRIVATE[0]]
    folder, why = gated(tmp_path / "set", PLAIN, private_rows="leave_out")
    assert why == []
    assert "> " not in (folder / "README.md").read_text().split("## Splits")[0]


def test_a_dataset_without_private_rows_says_nothing_of_them(tmp_path: Path) -> None:
    folder, why = gated(tmp_path / "set", PLAIN)
    assert why == []
    assert "messengers" not in (folder / "README.md").read_text()


def gated(folder: Path, rows: list[Conversation], **settings: object) -> tuple[Path, list[str]]:
    """The folder of a dataset, and why it may not be released."""
    summary = written(folder, [rows], **settings)
    why = refused([rows], **settings)
    Store(folder).write_text("README.md", card("tests", summary, [], why))
    return folder, why


WHATSAPP = """\
12/05/2024, 18:03 - Mira: {0}
12/05/2024, 18:04 - Jonas: {1}
12/05/2024, 18:06 - Mira: {2}
12/05/2024, 18:07 - Jonas: {3}
12/05/2024, 18:09 - Mira: {4}
12/05/2024, 18:10 - Jonas: {5}
"""


def test_a_chat_of_a_messenger_is_private_from_its_file_to_the_report(tmp_path: Path) -> None:
    (tmp_path / "WhatsApp Chat with Mira.txt").write_text(WHATSAPP.format(*talk(3)))
    write_jsonl(tmp_path / "talks.jsonl", [record(number) for number in range(4, 8)])
    sources = [
        {"name": "phone", "files": ["WhatsApp*.txt"], "license": "MIT"},
        {"name": "talks", "files": ["talks.jsonl"], "license": "MIT"},
    ]
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text(yaml.safe_dump({"name": "mine", "collect": {"sources": sources}}))
    out = tmp_path / "out"
    shown = rapport("run", recipe, "--out", out)
    sentence = "of phone are private: from a messenger, a mailbox or a person's account"
    (told,) = [line for line in shown.stderr.splitlines() if sentence in line]
    assert told.startswith("publish: 1 row (")
    assert told.endswith("write `publish: {consent: [phone]}`; else `{private_rows: leave_out}`.")
    text = (out / "6-publish" / "dataset" / "README.md").read_text()
    assert sentence in text
    assert "WhatsApp" not in text  # nor any file, in the recipe that the card shows
    assert sentence in " ".join(rapport("stats", out).stdout.split())
    report = json.loads(rapport("stats", out, "--json").stdout)[-1]
    assert len(report["refused"]) == 1
    recipe.write_text(recipe.read_text() + "publish: {private_rows: leave_out}\n")
    assert "private" not in rapport("run", recipe, "--out", out).stderr
    report = json.loads(rapport("stats", out, "--json").stdout)[-1]
    assert report["refused"] == []
    assert report["reasons"] == {"publish.private": 1}
    assert "WhatsApp" not in (out / "6-publish" / "dataset" / "README.md").read_text()


def test_a_source_named_after_a_speaker_is_not_released(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text(WHATSAPP.format(*talk(3)))
    publish = {"consent": ["chat with mira"]}
    source = {"name": "chat with mira", "files": ["a.txt"], "license": "MIT"}
    recipe = tmp_path / "recipe.yaml"
    values = {"name": "mine", "collect": {"sources": [source]}, "publish": publish}
    recipe.write_text(yaml.safe_dump(values))
    shown = rapport("run", recipe, "--out", tmp_path / "out").stderr
    assert "the name of the source chat with mira is that of a speaker" in shown
    recipe.write_text(recipe.read_text().replace("chat with mira", "a phone"))
    assert "the name of the source" not in rapport("run", recipe, "--out", tmp_path / "out").stderr


def test_the_plan_of_a_generated_talk_is_in_the_published_rows(tmp_path: Path) -> None:
    """Stage and decision of every message, through repairs, dedup and score; another layout adds
    files and takes nothing away."""
    values = {
        "name": "planned",
        "models": {"writer": {"base_url": "rehearsal", "model": "rehearsal"}},
        "generate": {"seeds": 4, "talks": 3, "turns": [22, 30], "license": "CC0-1.0"},
        "publish": {"layout": "realm"},
    }
    (tmp_path / "recipe.yaml").write_text(yaml.safe_dump(values))
    rapport("run", tmp_path / "recipe.yaml", "--out", tmp_path / "out")
    folder = tmp_path / "out" / "6-publish" / "dataset"
    cache = str(tmp_path / "cache")
    rows = list(datasets.load_dataset(str(folder), REHEARSAL, split=TRAIN, cache_dir=cache))
    assert len(rows) >= 8
    steps = 0
    for row in rows:
        annotations = row["annotations"]
        assert len(annotations) == len(row["messages"]) >= 22
        assert {one["decision"] for one in annotations} <= {"hold", "closer", "back"}
        stages = [STAGES.index(one["stage"]) for one in annotations]
        assert not any(stages[:9])
        closer = [index for index, one in enumerate(annotations) if one["decision"] == "closer"]
        for index in closer:
            steps += 1
            taken = stages[index + 1] > stages[index]
            assert (annotations[index + 2]["decision"] == "back") == (not taken)
        assert stages[-1] <= len(closer)
    assert steps > len(rows) / 2


def rapport(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pipeline.cli", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=True)
