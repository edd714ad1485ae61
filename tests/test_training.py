"""`rapport train` as far as it needs no torch: what is refused, planned, handed over, learned."""

from __future__ import annotations

import dataclasses
import json
import re
import struct
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import pyarrow.parquet as pq
import pytest
import yaml

from benchmarks.annotations import expected
from pipeline import UserError
from pipeline.cli import cli
from pipeline.conversation import Conversation
from pipeline.recipe.score import ScoreSettings
from pipeline.score.measure import measure
from pipeline.train import estimate, templates
from pipeline.train.chart import CurvePoint, chart
from pipeline.train.data import published as found_set
from pipeline.train.data import training_rows
from pipeline.train.estimate import Device
from pipeline.train.model_folder import model_folder
from pipeline.train.plan import TrainingTask, plan
from pipeline.train.settings import TrainingSettings, settings_of
from tests.publishing import published
from tests.rows import conversation, write_jsonl
from tests.test_published_files import rich

ROOT = Path(__file__).parents[1]
CHATML = {"<|im_start|>", "<|im_end|>"}


def licensed(number: int, licence: str | None = None) -> Conversation:
    row = rich(number * 2)
    source = row.source._replace(rehearsal=False, license=licence)
    return dataclasses.replace(row, source=source)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    rows = [licensed(number, "CC-BY-4.0") for number in range(40)]
    return published(tmp_path_factory.mktemp("train") / "set", [rows], test=0.2)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The small files of a model, and the head of its weights."""
    place = tmp_path_factory.mktemp("models") / "tiny"
    place.mkdir()
    config = {
        "hidden_size": 8,
        "num_hidden_layers": 2,
        "vocab_size": 100,
        "max_position_embeddings": 512,
    }
    (place / "config.json").write_text(json.dumps(config))
    tokens = [{"id": number, "content": one} for number, one in enumerate(sorted(CHATML))]
    (place / "tokenizer.json").write_text(json.dumps({"added_tokens": tokens}))
    shapes = {"embed.weight": [100, 8], "model.layers.0.q.weight": [8, 8], "norm.weight": [8]}
    head = json.dumps({name: {"shape": shape} for name, shape in shapes.items()}).encode()
    (place / "model.safetensors").write_bytes(struct.pack("<Q", len(head)) + head)
    return place


def rapport(*words: object) -> None:
    cli.main([*map(str, words)], standalone_mode=False)


# --- what is refused


def test_without_the_extra_one_sentence_says_what_to_install(
    folder: Path, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    for kind in ("sft", "dpo", "kto"):
        with pytest.raises(UserError) as told:
            rapport("train", kind, folder, "--model", model, "--out", tmp_path / "out")
        assert str(told.value) == (
            f"`rapport train {kind}` needs libraries that are not installed (torch, transformers, "
            "peft, trl): pip install 'rapport-dialogues[train]'."
        )
    assert not (tmp_path / "out").exists()


def test_only_what_trains_imports_torch() -> None:
    heavy = re.compile(r"^(?:import|from) (?:torch|transformers|trl|peft)\b", re.M)
    files = (ROOT / "pipeline").rglob("*.py")
    using = {path.name for path in files if heavy.search(path.read_text("utf-8"))}
    assert using == {"trainer.py", "held_out.py"}
    assert "torch" not in sys.modules


def test_rows_whose_licence_forbids_it_are_left_out_unless_forced(tmp_path: Path) -> None:
    licences = ["CC-BY-ND-4.0", "CC-BY-NC-4.0", None]
    rows = [licensed(number, licences[number % 3]) for number in range(30)]
    source = found_set(str(published(tmp_path / "set", [rows], test=0, validation=0)))
    found = training_rows(source, "default")
    assert found.left_out == {"its licence forbids it: CC-BY-ND-4.0": 10}
    assert found.licences == {"CC-BY-NC-4.0": 10, "unknown": 10}
    forced = training_rows(source, "default", force=True)
    assert len(forced.train) == 30
    assert forced.digest != found.digest
    only = published(tmp_path / "only", [rows[::3]], test=0, validation=0)
    with pytest.raises(
        UserError, match=r"10 rows: its licence forbids it: CC-BY-ND-4\.0\. --force"
    ):
        training_rows(found_set(str(only)), "default")


def test_rows_of_the_rehearsal_model_are_trained_on_only_when_forced(tmp_path: Path) -> None:
    rows = [licensed(number) for number in range(8)]
    made = [dataclasses.replace(row, source=row.source._replace(rehearsal=True)) for row in rows]
    source = found_set(str(published(tmp_path / "set", [made], test=0, validation=0)))
    with pytest.raises(UserError, match="nothing to train on but rows of the offline rehearsal"):
        training_rows(source, "default")
    assert len(training_rows(source, "default", force=True).train) == 8
    assert len(training_rows(source, "preference", force=True).train) > 8


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("sft", "{set}", "--model", "/nowhere"), "--model /nowhere: there is no such folder"),
        (("sft", "{nothing}", "--model", "{model}"), "holds no run and no published dataset"),
        (("sft", "no such", "--model", "{model}"), "There is no run or dataset no such"),
        (
            ("sft", "{set}", "--model", "{model}", "--config", "defualt"),
            "there is no config `defualt`; did you mean `default`?",
        ),
        (
            ("dpo", "{set}", "--model", "{model}", "--config", "default"),
            "--config default is not for dpo; these are: preference, rehearsal_preference.",
        ),
        (("sft", "{set}", "--model", "{model}", "--set", "ranks=8"), "did you mean `rank`?"),
        (("sft", "{set}", "--model", "{model}", "--set", "batch=5"), "multiple of `at_once`"),
        (("kto", "{set}", "--model", "{model}", "--set", "at_once=1"), "at_once must be 2 or more"),
        (
            ("sft", "{set}", "--model", "{model}", "--template", "gemma"),
            "no token <end_of_turn>, so no reply could end. These fit it: chatml, plain.",
        ),
    ],
)
def test_mistakes_are_named_with_what_to_do(
    folder: Path, model: Path, tmp_path: Path, words: tuple[str, ...], message: str
) -> None:
    places = {"set": folder, "model": model, "nothing": tmp_path}
    with pytest.raises(UserError) as told:
        rapport("train", *(word.format(**places) for word in words), "--dry-run")
    assert message in str(told.value)


# --- the plan


@pytest.mark.parametrize(
    ("rows", "settings", "expected"),
    [
        (64, {}, 4),
        (65, {}, 5),
        (64, {"epochs": 2.5}, 10),
        (3, {}, 1),
        (1000, {"steps": 7}, 7),
        (9, {"batch": 8, "at_once": 4}, 2),  # three batches, two of them a step
    ],
)
def test_steps_are_counted_as_the_trainer_makes_them(
    rows: int, settings: dict[str, object], expected: int
) -> None:
    assert estimate.steps(rows, TrainingSettings(**settings)) == expected


def test_memory_counts_weights_training_activations_and_logits(model: Path) -> None:
    shape = model_folder(str(model)).shape
    assert (shape.parameters, shape.reach, shape.lora(16)) == (100 * 8 + 64 + 8, 16, 256)
    device = Device("cpu", 4, 1e9, 1 << 40)
    settings = TrainingSettings()
    lora = estimate.memory("sft", shape, settings, 100, device)
    assert (lora.weights, lora.training) == (shape.parameters * 4, 256 * 12)
    assert lora.activations == 100 * 2 * 8 * 2 * 34 * 2
    assert lora.logits == 3 * 4 * 200 * 100
    whole = estimate.memory("dpo", shape, settings_of(["lora=false"]), 100, device)
    assert (whole.weights, whole.training) == (2 * lora.weights, shape.parameters * 12)
    little = estimate.memory("sft", shape, settings, 100, device._replace(memory=lora.needed - 1))
    assert little.checkpointed
    assert little.activations < lora.activations
    assert little.is_enough


def test_a_dry_run_shows_rows_tokens_steps_memory_and_time(
    folder: Path, model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rapport("train", "sft", folder, "--model", model, "--dry-run", "--set", "batch=4")
    shown = dict(line.split(maxsplit=1) for line in capsys.readouterr().out.splitlines())
    heads = ["model", "template", "data", "rows", "tokens", "steps", "memory", "time"]
    assert list(shown) == heads
    assert shown["template"] == "chatml (it has none of its own; its tokenizer has <|im_end|>)"
    train = sum(pq.read_metadata(path).num_rows for path in folder.glob("default/train-*"))
    test = sum(pq.read_metadata(path).num_rows for path in folder.glob("default/test-*"))
    assert shown["rows"] == f"{train} to train on, {test} of the test split held out"
    assert shown["steps"] == f"{-(-train // 4)} of 4 rows"
    task = TrainingTask("sft", str(folder), str(model), "", settings_of(["batch=4"]))
    planned = plan(task)
    texts = [one for row in planned.rows.train for one in row["messages"]]
    tokens = sum(-(-len(one["content"].encode()) // 4) + 4 for one in texts)
    assert shown["tokens"].startswith(f"{tokens:,}, ")


def test_the_learning_curve_is_a_picture_with_the_held_out_losses() -> None:
    points = [CurvePoint(step, 3 - step / 10) for step in range(1, 11)]
    held = [CurvePoint(0, 3.1), CurvePoint(10, 2.2)]
    drawn = ET.fromstring(chart(points, held, "a < b & c"))
    spaces = {"svg": "http://www.w3.org/2000/svg"}
    assert len(drawn.findall("svg:polyline", spaces)) == 2
    first, last = (float(one.get("cy", "")) for one in drawn.findall("svg:circle", spaces))
    assert first < last  # the loss falls: further from the top
    assert {"3.100", "2.200"} <= {one.text for one in drawn.findall("svg:text", spaces)}


@pytest.mark.parametrize("name", templates.NAMES)
def test_bundled_templates_have_marks_for_trl_alone(name: str) -> None:
    assert "generation -%}" not in templates.text_of(name)
    marked = templates.text_of(name, marked=True)
    assert marked.count("{%- generation -%}") == marked.count("{%- endgeneration -%}") == 1


# --- handed over


def exported(folder: Path, model: Path, out: Path, tool: str, *words: str) -> dict[str, object]:
    rapport("train", *words, folder, "--model", model, "--out", out, "--export", tool)
    found: dict[str, object] = yaml.safe_load((out / f"{tool}.yaml").read_text("utf-8"))
    return found


def test_axolotl_reads_the_published_files_and_trains_on_replies(
    folder: Path, model: Path, tmp_path: Path
) -> None:
    found = exported(folder, model, tmp_path, "axolotl", "sft", "--config", "noted")
    (train,), (test,) = found["datasets"], found["test_datasets"]  # type: ignore[misc]
    assert (train["path"], train["name"], train["split"]) == (str(folder), "noted", "train")
    assert train["roles_to_train"] == ["assistant"]
    assert train["message_field_training"] == "train"
    assert test["split"] == "test"
    assert found["chat_template_jinja"] == templates.text_of("chatml")
    assert found["gradient_accumulation_steps"] * found["micro_batch_size"] == 16  # type: ignore[operator]
    pairs = exported(folder, model, tmp_path / "dpo", "axolotl", "dpo")
    assert pairs["rl"] == "dpo"
    assert pairs["datasets"][0]["field_messages"] == "prompt"  # type: ignore[index]


def test_the_card_of_the_dataset_says_the_same(folder: Path, model: Path, tmp_path: Path) -> None:
    card = (folder / "README.md").read_text("utf-8")
    block = re.findall(r"Axolotl, in `datasets`:\n\n```yaml\n(.*?)```", card, re.S)[0]
    (entry,) = yaml.safe_load(block)
    (train,) = exported(folder, model, tmp_path, "axolotl", "sft")["datasets"]  # type: ignore[misc]
    assert entry | {"path": str(folder)} == train
    block = re.findall(r"LLaMA-Factory.*?```json\n(.*?)```", card, re.S)[0]
    exported(folder, model, tmp_path, "llama-factory", "sft", "--template", "chatml")
    info = json.loads((tmp_path / "dataset_info.json").read_text("utf-8"))
    (listed,) = json.loads(block).values()
    assert listed | {"hf_hub_url": str(folder)} == info["published"]


@pytest.mark.parametrize("kind", ["sft", "dpo", "kto"])
def test_llama_factory_gets_every_row_in_a_form_it_takes(
    folder: Path, model: Path, tmp_path: Path, kind: str
) -> None:
    words = (kind, "--template", "chatml")
    found = exported(folder, model, tmp_path, "llama-factory", *words)
    info = json.loads((tmp_path / "dataset_info.json").read_text("utf-8"))
    assert (found["stage"], found["template"], found["dataset"]) == (kind, "chatml", "published")
    assert info.keys() == {"published", "published_test"}
    if kind == "sft":
        assert info["published"]["hf_hub_url"] == str(folder)
        return
    config = {"dpo": "preference", "kto": "unpaired"}[kind]
    lines = (tmp_path / "train.jsonl").read_text("utf-8").splitlines()
    (path,) = folder.glob(f"{config}/train-*.parquet")
    rows = pq.read_table(path).to_pylist()
    assert len(lines) == len(rows)
    one = json.loads(lines[0])
    if kind == "dpo":  # a reply is one message there
        assert (one["chosen"], one["messages"]) == (rows[0]["chosen"][0], rows[0]["prompt"])
    else:
        assert one["messages"] == [*rows[0]["prompt"], *rows[0]["completion"]]
        assert one["label"] is rows[0]["label"]


def test_trl_gets_the_template_with_its_marks(folder: Path, model: Path, tmp_path: Path) -> None:
    found = exported(folder, model, tmp_path, "trl", "sft")
    assert (found["dataset_name"], found["dataset_config"]) == (str(folder), "default")
    assert found["assistant_only_loss"] is True
    template = (tmp_path / str(found["chat_template_path"])).read_text("utf-8")
    assert "{%- generation -%}" in template


def test_what_a_tool_cannot_do_is_said(
    folder: Path, model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(UserError, match="Unsloth's command trains sft alone"):
        exported(folder, model, tmp_path, "unsloth", "dpo")
    with pytest.raises(UserError, match="the model's own chat template alone"):
        exported(folder, model, tmp_path, "unsloth", "sft")
    with pytest.raises(UserError, match="LLaMA-Factory has no template like `plain`"):
        exported(folder, model, tmp_path, "llama-factory", "sft", "--template", "plain")
    exported(folder, model, tmp_path, "trl", "sft", "--config", "noted")
    assert "the flag `train` of `noted` is not read" in capsys.readouterr().err
    rows = [licensed(number, "CC-BY-ND-4.0" if number else "MIT") for number in range(8)]
    mixed = published(tmp_path / "mixed", [rows], test=0, validation=0)
    with pytest.raises(UserError, match="axolotl would train on all rows of mixed"):
        exported(mixed, model, tmp_path, "axolotl", "sft")


# --- classifiers

TENDER = ("I miss you so much", "hold me, my love", "you mean everything to me", "kiss me again")
PLAIN = ("the train leaves at nine", "please send the invoice", "the shop is closed", "it rains")


def labelled_rows() -> list[dict[str, object]]:
    rows: list[dict[str, object]] = []
    for number in range(120):
        is_tender = number % 2 == 0
        text = (TENDER if is_tender else PLAIN)[number // 2 % 4]
        emotion, closeness = ("love", 0.8) if is_tender else ("neutral", -0.8)
        labels = {"emotion": emotion, "closeness": closeness, "stage": "close"}
        if not is_tender:
            labels["stage"] = "casual"
        rows.append({"text": f"{text}, day {number}", "group": f"scene {number // 6}", **labels})
    return rows


def test_classifiers_of_own_rows_are_measured_and_used_by_score(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = write_jsonl(tmp_path / "rows.jsonl", labelled_rows())
    for out in ("one", "two"):
        rapport("train", "annotations", rows, "--out", tmp_path / out)
    shown = capsys.readouterr().out
    assert "emotion: 120 messages in 20 groups" in shown
    report = json.loads((tmp_path / "one" / "report.json").read_text("utf-8"))
    assert set(report) == {"rows", "closeness", "emotion", "stage"}
    assert report["emotion"]["macro F1"] > 0.95
    assert report["emotion"]["macro F1, always the commonest"] == pytest.approx(1 / 3)
    assert report["closeness"]["Pearson"] > 0.9
    card = (tmp_path / "one" / "README.md").read_text("utf-8")
    assert report["rows"] in card
    assert "How far they carry to talks of people has not been measured" in card
    for name in ("closeness.npz", "emotion.npz", "stage.npz"):
        one, two = ((tmp_path / out / name).read_bytes() for out in ("one", "two"))
        assert one == two
        assert len(one) < 5_000_000
    row = conversation(1, ["the shop is closed", "I miss you so much, my love", "it rains"])
    settings = ScoreSettings(classifiers=str(tmp_path / "one"))
    (found,) = measure([row], settings)
    assert [one.emotion for one in found.annotations] == ["neutral", "love", "neutral"]
    assert [one.stage for one in found.annotations] == ["casual", "close", "casual"]
    assert {one.by for one in found.annotations} == {"classifier"}
    assert found.annotations[1].closeness > 0.5 > found.annotations[0].closeness  # type: ignore[operator]
    (shipped,) = measure([row], ScoreSettings())
    assert {one.by for one in shipped.annotations} == {"course"}


def test_what_a_plan_decided_is_a_label_and_what_score_found_is_none(tmp_path: Path) -> None:
    from pipeline.conversation import Annotation
    from pipeline.train.annotations.labelled import labelled

    rows = []
    for number in range(4):
        by = "course" if number == 3 else "plan"
        known = tuple(Annotation("casual", "hold", 0.1, by=by) for _ in range(6))
        rows.append(dataclasses.replace(conversation(number), annotations=known))
    found = labelled([str(published(tmp_path / "set", [rows], test=0, validation=0))])
    assert len(found) == 18
    assert [dict(one.labels) for one in found[:2]] == [
        {"stage": "casual"},
        {"stage": "casual", "decision": "hold"},
    ]


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (
            {"text": "a", "emotion": "joyful"},
            ":2: emotion `joyful` is unknown; did you mean `joy`?",
        ),
        ({"text": "a", "closeness": 3}, ":2: closeness `3` is no number from -1 to 1."),
        ({"emotion": "joy"}, ":2: the field `text` is missing or empty"),
        ({"text": "a"}, "no message has a label"),
    ],
)
def test_a_wrong_label_is_named_with_its_line(
    tmp_path: Path, row: dict[str, object], message: str
) -> None:
    from pipeline.train.annotations.labelled import labelled

    first = {"text": "a"} if "no message" in message else {"text": "a", "emotion": "joy"}
    path = write_jsonl(tmp_path / "rows.jsonl", [first, row])
    with pytest.raises(UserError) as told:
        labelled([str(path)])
    assert message in str(told.value)


def test_the_shipped_classifiers_say_what_the_list_of_200_lines_has() -> None:
    assert len(expected.expected()) == 200
    assert list(expected.differences()) == []


def test_too_few_rows_are_refused_and_nothing_is_written(tmp_path: Path) -> None:
    rows = write_jsonl(tmp_path / "rows.jsonl", labelled_rows()[:30])
    with pytest.raises(UserError, match="two classes or more must have 20 labelled messages each"):
        rapport("train", "annotations", rows, "--out", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_recipe_that_names_no_classifiers_says_so(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"has none of closeness\.npz, emotion\.npz"):
        list(measure([conversation(1)], ScoreSettings(classifiers=str(tmp_path))))
