"""What Axolotl and LLaMA-Factory make of an exported config, by their own code.

Run in `.venv-trainers`: python handed_over.py TOOL FOLDER MODEL. Prints a JSON object: for each row
the text that is trained on. They are installed without what they need to train: their checks of
versions are off, and torchaudio, which text needs not, is a name only.
"""

from __future__ import annotations

import contextlib
import importlib.machinery
import json
import os
import sys
import types
from pathlib import Path

import yaml
from datasets import load_dataset
from transformers import AutoTokenizer


def axolotl(folder: Path, model: str) -> list[str]:
    from axolotl.prompt_strategies import chat_template
    from axolotl.prompt_strategies import dpo as pairs
    from axolotl.utils.dict import DictDefault
    from axolotl.utils.schemas.config import AxolotlInputConfig

    values = yaml.safe_load((folder / "axolotl.yaml").read_text("utf-8"))
    checked = AxolotlInputConfig(**values).model_dump(exclude_none=True)
    config, tokenizer = DictDefault(checked), AutoTokenizer.from_pretrained(model)
    entry = config.datasets[0]
    rows = load_dataset(
        entry["path"], entry["name"], split=entry["split"], cache_dir=folder / "cache"
    )
    if config.rl == "kto":  # handed to TRL as they are
        return [row["completion"][0]["content"] for row in rows]
    if config.rl == "dpo":
        change, _ = pairs.load(entry["type"], config, dataset_idx=0)
        return [change(dict(row), tokenizer=tokenizer)["chosen"] for row in rows]
    strategy = chat_template.load(tokenizer, config, ds_cfg=entry)
    return [trained(tokenizer, strategy.tokenize_prompt(row)["labels"]) for row in rows]


def llama_factory(folder: Path, model: str) -> list[str]:
    os.environ["DISABLE_VERSION_CHECK"] = "1"
    absent = types.ModuleType("torchaudio")
    absent.__spec__ = importlib.machinery.ModuleSpec("torchaudio", None)
    sys.modules["torchaudio"] = absent
    from llamafactory.data import get_dataset, get_template_and_fix_tokenizer
    from llamafactory.hparams import get_train_args

    os.chdir(folder)
    values = yaml.safe_load(Path("llama-factory.yaml").read_text("utf-8"))
    of_model, of_data, of_training, _, _ = get_train_args(values | {"use_cpu": True})
    tokenizer = AutoTokenizer.from_pretrained(model)
    template = get_template_and_fix_tokenizer(tokenizer, of_data)
    stage = {"dpo": "rm"}.get(values["stage"], values["stage"])
    found = get_dataset(template, of_model, of_data, of_training, stage=stage, tokenizer=tokenizer)
    name = "chosen_labels" if values["stage"] == "dpo" else "labels"
    return [trained(tokenizer, row[name]) for row in found["train_dataset"]]


def trained(tokenizer: AutoTokenizer, labels: list[int]) -> str:
    return tokenizer.decode([label for label in labels if label != -100])


def main() -> None:
    tool, folder, model = sys.argv[1:]
    with contextlib.redirect_stdout(sys.stderr):
        found = {"axolotl": axolotl, "llama-factory": llama_factory}[tool](Path(folder), model)
    print(json.dumps(found))


if __name__ == "__main__":
    main()
