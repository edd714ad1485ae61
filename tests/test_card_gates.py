"""What the gates have found stands on the card and goes out with it: counted over several parts,
without the rows of the rehearsal model."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from pipeline import api
from pipeline.conversation import Conversation, Message
from pipeline.publish import outgoing
from pipeline.run.reports import reports
from pipeline.store.store import Store
from tests.rows import conversation

SUGGESTIVE = "She bit her lip and let the towel fall, naked, and whispered how aroused she was."
LICENCES = ("CC-BY-SA-4.0", "CC-BY-NC-4.0", "OGL-UK-3.0")
SUGGESTED = (3, 5, 8, 25)  # of them 8 is of the rehearsal model
REHEARSED = (8, 17, 26, 35)
PRIVATE = 4
ROWS = 36


def row_of(number: int) -> Conversation:
    row = conversation(number)
    said = [message.content for message in row.messages]
    if number in SUGGESTED:
        said[3] = SUGGESTIVE
    messages = [m._replace(content=text) for m, text in zip(row.messages, said, strict=True)]
    source = row.source._replace(name=f"site {number % 3}", license=LICENCES[number % 3])
    if number == PRIVATE:
        messages = [Message(m.role, f"Mira: {m.content}", "Mira") for m in messages]
        source = source._replace(name="phone", private=True)
    if number in REHEARSED:
        source = source._replace(name="rehearsed", rehearsal=True, license=None)
    return replace(row, messages=tuple(messages), source=source)


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of `publish` on such rows, in three parts."""
    folder = tmp_path_factory.mktemp("gated")
    for part in range(3):
        rows = map(row_of, range(12 * part, 12 * part + 12))
        Store(folder, "in").write(f"{part:05d}-000", "key", rows)
    api.publish(
        folder / "in" / "kept",
        out=folder / "set",
        rating="mature",
        allow=["licences"],
        consent=["phone"],
        tests=[f"rows >= {ROWS - len(REHEARSED)}", "share source=rehearsed <= 0"],
    )
    return folder / "set"


@pytest.fixture(scope="module")
def text(out: Path) -> str:
    return (out / "6-publish" / "dataset" / "README.md").read_text()


def test_the_first_screen_has_rating_licence_and_what_was_allowed(text: str) -> None:
    front = yaml.safe_load(text.split("---\n")[1])
    assert "not-for-all-audiences" in front["tags"]
    assert (front["license"], front["license_link"]) == ("other", "LICENSE")
    screen = text.split("---\n", 2)[2].split("## ")[0]
    assert f"| **Rows** | {ROWS - len(REHEARSED)}: " in screen
    assert f"| **Rating** | general {ROWS - len(REHEARSED) - 3}, mature 3 |" in screen
    named = ", ".join(sorted(LICENCES))
    assert f"| **Licence** | {named}; each row names its own |" in screen
    assert "> Released all the same: CC-BY-NC-4.0 [" in screen.replace("\\", "")
    assert "do not go together" in screen
    assert "> 1 row is from messengers" in screen
    assert "Not for release" not in screen


def test_rows_are_named_in_their_order_over_all_parts(text: str) -> None:
    own = [row_of(number) for number in range(ROWS) if number % 3 == 1]
    real = [row for row in own if row.source.name == "site 1"]
    named = ", ".join(row.id for row in real[:3])
    assert f"CC-BY-NC-4.0 [{len(real)} rows ({named}, …) of site 1" in text.replace("\\", "")


def test_each_config_has_its_licence_and_none_counts_the_rehearsal_model(text: str) -> None:
    section = text.split("### The licence of each config")[1].split("\n#")[0]
    counts = dict.fromkeys(LICENCES, 0)
    for number in set(range(ROWS)) - set(REHEARSED):
        counts[LICENCES[number % 3]] += 1
    of_rows = ", ".join(f"{name} {count}" for name, count in sorted(counts.items()))
    assert f"| full | mixed | {of_rows} |" in section
    assert "rehears" not in section
    assert "unknown" not in section


def test_what_is_pushed_has_licence_and_card_without_names(out: Path, text: str) -> None:
    going = outgoing.release(str(out), reports(str(out))[-1], "ada/talks")
    assert {"LICENSE", "README.md", "croissant.json"} <= set(going.files)
    assert not [path for path in going.files if "people" in path or "rehearsal" in path]
    licence = (going.folder / "LICENSE").read_text()
    assert "site 2: 8 rows under OGL-UK-3.0 (https://spdx.org/licenses/OGL" in licence
    assert "rehearsed" not in licence
    stated = json.loads((going.folder / "croissant.json").read_text())["license"]
    assert [one.rpartition("/")[2] for one in stated] == sorted(LICENCES)
    assert "Mira" not in text
    assert "Alex" in (out / "6-publish" / "people.json").read_text()
