"""What tests ask of `.venv-train`, in one process: it takes seconds to import the libraries.

A line of stdin is {"ask": a function of this file, …its arguments}, a line of stdout its answer.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import sys
import tempfile
from pathlib import Path

import datasets
import torch

from pipeline import cli
from tests.train import trainers
from tests.train.tiny import tiny


def rapport(words: list[str]) -> object:
    """A command in this process: exit code, stdout, stderr."""
    out, err, code = io.StringIO(), io.StringIO(), 0
    sys.argv = ["rapport", *words]
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            cli.main()
        except SystemExit as end:
            code = end.code or 0
    return code, out.getvalue(), err.getvalue()


def model(family: str, folder: str, base: bool) -> object:
    tiny(family, folder, base)


def plain(folder: str, config: str, kind: str) -> object:
    """TRL's trainer on a config without a line of ours."""
    with tempfile.TemporaryDirectory() as place:
        rows = datasets.load_dataset(folder, config, split="train", cache_dir=f"{place}/cache")
        found = {"sft": trainers.sft, "dpo": trainers.dpo, "kto": trainers.kto}
        return {"rows": len(rows), **found[kind](rows, f"{place}/out")}


def batches(kind: str, words: list[str], packing: bool) -> object:
    """What the trainer's batches train on, decoded: a text for each row of tokens."""
    from pipeline.train import plan, trainer
    from pipeline.train.settings import settings_of

    data, folder, config, template = words
    settings = settings_of(["batch=4"])
    task = plan.TrainingTask(kind, data, folder, "", settings, config, template or None)
    planned = plan.plan(task)
    loaded = trainer.load(planned.model, planned.template, True)
    assert trainer.keeps_apart(loaded)
    with tempfile.TemporaryDirectory() as place:
        options = trainer.TrainerOptions(kind, settings, Path(place), packing, False)
        made = trainer.trainer(loaded, planned.train, planned.held_out, options, print)
        found = []
        for batch in made.get_train_dataloader():
            found += map(loaded.tokenizer.decode, _trained_on(kind, batch))
    return {"trained_on": found, "tokens": planned.train.trained}


def _trained_on(kind: str, batch: dict[str, torch.Tensor]) -> list[list[int]]:
    ids = batch["input_ids"]
    mask = batch["labels"] != -100 if kind == "sft" else batch["completion_mask"] == 1
    return [row[own].tolist() for row, own in zip(ids, mask, strict=True)]


def loads(folder: str, base: str) -> object:
    """Loss of one text by the adapter and by the merged model, as transformers loads them."""
    from peft import PeftModel
    from transformers import AutoModelForCausalLM, AutoTokenizer

    merged = AutoModelForCausalLM.from_pretrained(f"{folder}/merged")
    plain = AutoModelForCausalLM.from_pretrained(base)
    tokenizer = AutoTokenizer.from_pretrained(f"{folder}/adapter")
    asked = [{"role": "user", "content": "Come over for soup then."}]
    text = tokenizer.apply_chat_template(asked, add_generation_prompt=True, tokenize=False)
    ids = tokenizer(text, return_tensors="pt")["input_ids"]
    before = float(plain(ids, labels=ids).loss)
    adapted = PeftModel.from_pretrained(plain, f"{folder}/adapter")
    losses = [float(one(ids, labels=ids).loss) for one in (adapted, merged)]
    new = merged.generate(ids, max_new_tokens=4, do_sample=False)
    ends = merged.generation_config.eos_token_id
    return {
        "before": before,
        "losses": losses,
        "new": new.shape[1] - ids.shape[1],
        "ends": tokenizer.convert_ids_to_tokens(ends),
    }


def main() -> None:
    torch.set_num_threads(1)
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # whatever libraries print
    for line in sys.stdin:
        asked = json.loads(line)
        answer = globals()[asked.pop("ask")](**asked)
        print(json.dumps(answer), file=answers, flush=True)


if __name__ == "__main__":
    main()
