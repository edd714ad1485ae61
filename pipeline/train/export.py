"""What other trainers read for the same training: Axolotl, LLaMA-Factory, Unsloth, TRL's command.

    axolotl        axolotl.yaml            axolotl train axolotl.yaml
    llama-factory  llama-factory.yaml      llamafactory-cli train llama-factory.yaml
                   dataset_info.json       and rows in its own form where it takes no other
    unsloth        unsloth.yaml            unsloth train --config unsloth.yaml
    trl            trl.yaml, template.jinja     trl sft --config trl.yaml

They read the published files themselves. What one of them cannot do is said, never left out
silently.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple

import yaml

from pipeline import UserError
from pipeline.publish.configs.made import PublishedRow
from pipeline.publish.split import TRAIN
from pipeline.recipe.one_stage import Values
from pipeline.store.files import RunFolder
from pipeline.train import data
from pipeline.train.data import PublishedSet, TrainingRows
from pipeline.train.entries import TAGS, axolotl_dataset, llama_factory_dataset
from pipeline.train.model_folder import ModelFolder, model_folder
from pipeline.train.plan import TrainingTask, config_of
from pipeline.train.settings import TrainingSettings
from pipeline.train.templates import OWN, ChatTemplate, of_model, text_of

SPREAD = 2  # LoRA's alpha / rank
WARMUP = 0.05  # share of the steps
TRAINED = "trained"  # folder of the result, beside the config
NAME = "published"  # of the dataset in LLaMA-Factory's list
LLAMA_FACTORY_TEMPLATES = {"chatml": "chatml", "gemma": "gemma", "llama-3": "llama3"}
NOT_PER_REPLY = "trains on every reply: the flag `train` of `noted` is not read."


class ExportTask(NamedTuple):
    """What is handed over. address: of the dataset for another program. split: that is held out,
    empty where there is none."""

    task: TrainingTask
    source: PublishedSet
    config: str
    split: str
    model: ModelFolder
    template: ChatTemplate

    @property
    def address(self) -> str:
        if self.source.revision:
            return self.source.name
        return str(self.source.folder.resolve())

    @property
    def settings(self) -> TrainingSettings:
        return self.task.settings

    def model_address(self) -> str:
        if self.model.revision:
            return self.model.name
        return str(self.model.folder.resolve())


class Exported(NamedTuple):
    """files: text by name. command: that reads them. notes: what is not the same there."""

    files: Mapping[str, str]
    command: str
    notes: Sequence[str] = ()


def export(task: TrainingTask, tool: str) -> Exported:
    """Write what a tool reads into the task's folder. Raises UserError: it cannot do that, or rows
    would go with it that may not be trained on."""
    source = data.published(task.data)
    rows = data.training_rows(source, config_of(task), task.force)
    if rows.left_out:
        reasons = ", ".join(f"{count} rows: {why}" for why, count in rows.left_out.items())
        raise UserError(
            f"{tool} would train on all rows of {source.name}. {reasons}. "
            "Publish the set without them, or --force."
        )
    wanted = _task(task, source, rows)
    made = TOOLS[tool](wanted)
    folder = RunFolder(task.out)
    for name, text in made.files.items():
        folder.write_text(name, text)
    return made


def _task(task: TrainingTask, source: PublishedSet, rows: TrainingRows) -> ExportTask:
    model = model_folder(task.model, weights=False)
    template = of_model(model.folder, task.template)
    return ExportTask(task, source, rows.config, rows.split, model, template)


def _yaml(values: Mapping[str, object]) -> str:
    return yaml.safe_dump(dict(values), sort_keys=False, allow_unicode=True)


# --- Axolotl


def _axolotl(wanted: ExportTask) -> Exported:
    settings, task = wanted.settings, wanted.task
    values: Values = {"base_model": wanted.model_address()}
    if task.kind != "sft":
        values["rl"] = task.kind
    values["datasets"] = [axolotl_dataset(wanted.address, wanted.config, TRAIN, task.kind)]
    if wanted.split:
        held = axolotl_dataset(wanted.address, wanted.config, wanted.split, task.kind)
        values["test_datasets"] = [held]
    values |= _axolotl_template(wanted.template)
    values |= {
        "sequence_len": settings.length,
        "sample_packing": bool(settings.packing),
        "micro_batch_size": settings.at_once,
        "gradient_accumulation_steps": settings.batch // settings.at_once,
        "num_epochs": settings.epochs,
        "learning_rate": settings.rate_of(task.kind),
        "lr_scheduler": "linear",
        "warmup_ratio": WARMUP,
        "optimizer": "adamw_torch",
        "bf16": "auto",
        "gradient_checkpointing": True,
        "save_steps": settings.checkpoint,
        "seed": settings.seed,
        "output_dir": TRAINED,
        "dataset_prepared_path": "prepared",
    }
    values |= _axolotl_lora(settings)
    if settings.steps:
        values["max_steps"] = settings.steps
    if task.kind == "kto":  # rows go to TRL as they are
        values |= {"skip_prepare_dataset": True, "remove_unused_columns": False}
    return Exported({"axolotl.yaml": _yaml(values)}, "axolotl train axolotl.yaml")


def _axolotl_template(template: ChatTemplate) -> Values:
    if template.name == OWN:
        return {"chat_template": "tokenizer_default"}
    return {"chat_template": "jinja", "chat_template_jinja": template.text}


def _axolotl_lora(settings: TrainingSettings) -> Values:
    if not settings.lora:
        return {}
    return {
        "adapter": "lora",
        "lora_r": settings.rank,
        "lora_alpha": SPREAD * settings.rank,
        "lora_dropout": 0.0,
        "lora_target_linear": True,
    }


# --- LLaMA-Factory


def _llama_factory(wanted: ExportTask) -> Exported:
    settings, task, name = wanted.settings, wanted.task, wanted.template.name
    if name != OWN and name not in LLAMA_FACTORY_TEMPLATES:
        raise UserError(f"LLaMA-Factory has no template like `{name}`: choose another --template.")
    files, info = _llama_factory_data(wanted)
    values: Values = {
        "model_name_or_path": wanted.model_address(),
        "stage": task.kind,
        "do_train": True,
        "finetuning_type": "lora" if settings.lora else "full",
        "dataset_dir": ".",
        "dataset": NAME,
        "cutoff_len": settings.length,
        "packing": bool(settings.packing),
        "per_device_train_batch_size": settings.at_once,
        "gradient_accumulation_steps": settings.batch // settings.at_once,
        "num_train_epochs": settings.epochs,
        "learning_rate": settings.rate_of(task.kind),
        "lr_scheduler_type": "linear",
        "save_steps": settings.checkpoint,
        "logging_steps": 10,
        "seed": settings.seed,
        "output_dir": TRAINED,
        "report_to": "none",
    }
    if settings.lora:
        values |= {"lora_rank": settings.rank, "lora_alpha": SPREAD * settings.rank}
        values |= {"lora_target": "all", "lora_dropout": 0.0}
    if name != OWN:  # else it reads the tokenizer's own
        values["template"] = LLAMA_FACTORY_TEMPLATES[name]
    if settings.steps:
        values["max_steps"] = settings.steps
    if wanted.split:
        values["eval_dataset"] = f"{NAME}_{wanted.split}"
    files |= {
        "dataset_info.json": json.dumps(info, indent=1, ensure_ascii=False) + "\n",
        "llama-factory.yaml": _yaml(values),
    }
    notes = [f"LLaMA-Factory {NOT_PER_REPLY}"] if wanted.config == "noted" else []
    return Exported(files, "llamafactory-cli train llama-factory.yaml", notes)


def _llama_factory_data(wanted: ExportTask) -> tuple[dict[str, str], dict[str, Values]]:
    """Files of rows, and the entries of its list of datasets: one for each split."""
    files, info = {}, {}
    for split in filter(None, (TRAIN, wanted.split)):
        name = NAME if split == TRAIN else f"{NAME}_{split}"
        if wanted.task.kind == "sft":
            info[name] = llama_factory_dataset(wanted.address, wanted.config, split)
            continue
        rows = wanted.source.rows(wanted.config, split)
        lines = map(REPLY_ROWS[wanted.task.kind], rows)
        files[f"{split}.jsonl"] = "".join(json.dumps(one) + "\n" for one in lines)
        info[name] = {"file_name": f"{split}.jsonl", **FORMATS[wanted.task.kind], "tags": TAGS}
    return files, info


def _dpo_row(row: PublishedRow) -> Values:
    """It takes each reply as one message, not as a list of one."""
    return {"messages": row["prompt"], "chosen": row["chosen"][0], "rejected": row["rejected"][0]}


def _kto_row(row: PublishedRow) -> Values:
    """It takes the reply as the last of the messages."""
    return {"messages": [*row["prompt"], *row["completion"]], "label": row["label"]}


REPLY_ROWS: dict[str, Callable[[PublishedRow], Values]] = {"dpo": _dpo_row, "kto": _kto_row}
FORMATS: dict[str, Values] = {
    "dpo": {
        "ranking": True,
        "formatting": "sharegpt",
        "columns": {"messages": "messages", "chosen": "chosen", "rejected": "rejected"},
    },
    "kto": {
        "formatting": "sharegpt",
        "columns": {"messages": "messages", "kto_tag": "label"},
    },
}


# --- Unsloth


def _unsloth(wanted: ExportTask) -> Exported:
    settings, task = wanted.settings, wanted.task
    if task.kind != "sft":
        raise UserError(
            f"Unsloth's command trains sft alone. For {task.kind}, --export trl writes what the "
            "trainers read that Unsloth patches."
        )
    if wanted.template.name != OWN:
        raise UserError(
            "Unsloth's command takes the model's own chat template alone, and this would be "
            f"{wanted.template}. Choose a model that has one."
        )
    values: Values = {
        "model": wanted.model_address(),
        "data": _unsloth_data(wanted),
        "training": {
            "training_type": "lora" if settings.lora else "full",
            "max_seq_length": settings.length,
            "load_in_4bit": False,
            "output_dir": TRAINED,
            "num_epochs": max(1, round(settings.epochs)),
            "learning_rate": settings.rate_of(task.kind),
            "batch_size": settings.at_once,
            "gradient_accumulation_steps": settings.batch // settings.at_once,
            "max_steps": settings.steps or 0,
            "save_steps": settings.checkpoint,
            "random_seed": settings.seed,
            "packing": bool(settings.packing),
            "train_on_completions": True,
        },
        "lora": {"lora_r": settings.rank, "lora_alpha": SPREAD * settings.rank},
    }
    return Exported(
        {"unsloth.yaml": _yaml(values)},
        "unsloth train --config unsloth.yaml",
        list(_unsloth_notes(wanted)),
    )


def _unsloth_data(wanted: ExportTask) -> Values:
    paths = sorted((wanted.source.folder / wanted.config).glob(f"{TRAIN}-*.parquet"))
    return {"local_dataset": [str(path.resolve()) for path in paths], "format_type": "chatml"}


def _unsloth_notes(wanted: ExportTask) -> Iterator[str]:
    if wanted.config == "noted":
        yield f"Unsloth {NOT_PER_REPLY}"
    if wanted.settings.epochs != round(wanted.settings.epochs):
        yield "Unsloth takes whole epochs only: rounded."


# --- TRL


def _trl(wanted: ExportTask) -> Exported:
    settings, task = wanted.settings, wanted.task
    files: dict[str, str] = {}
    values: Values = {
        "model_name_or_path": wanted.model_address(),
        "dataset_name": wanted.address,
        "dataset_config": wanted.config,
        "dataset_train_split": TRAIN,
        "max_length": settings.length,
        "per_device_train_batch_size": settings.at_once,
        "gradient_accumulation_steps": settings.batch // settings.at_once,
        "num_train_epochs": settings.epochs,
        "learning_rate": settings.rate_of(task.kind),
        "warmup_steps": WARMUP,
        "save_steps": settings.checkpoint,
        "seed": settings.seed,
        "output_dir": TRAINED,
        "report_to": "none",
    }
    if wanted.split:
        values |= {"dataset_test_split": wanted.split, "eval_strategy": "epoch"}
    if settings.lora:
        values |= {"use_peft": True, "lora_r": settings.rank, "lora_dropout": 0.0}
        values |= {"lora_alpha": SPREAD * settings.rank, "lora_target_modules": "all-linear"}
    if settings.steps:
        values["max_steps"] = settings.steps
    if task.kind == "sft":
        values |= {"assistant_only_loss": True, "packing": bool(settings.packing)}
    notes = [f"TRL {NOT_PER_REPLY}"] if wanted.config == "noted" else []
    if wanted.template.name != OWN:
        if task.kind == "sft":
            files["template.jinja"] = text_of(wanted.template.name, marked=True) + "\n"
            values["chat_template_path"] = "template.jinja"
        else:
            notes.append(
                f"TRL's `{task.kind}` takes no template, and this would be {wanted.template}: put "
                "one into the model's folder (chat_template.jinja)."
            )
    files["trl.yaml"] = _yaml(values)
    return Exported(files, f"trl {task.kind} --config trl.yaml", notes)


TOOLS: dict[str, Callable[[ExportTask], Exported]] = {
    "axolotl": _axolotl,
    "llama-factory": _llama_factory,
    "unsloth": _unsloth,
    "trl": _trl,
}
