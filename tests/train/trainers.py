"""Real trainers on a published dataset, and who reads its files: run in `.venv-train`.

Of the trainers a tiny model and a tiny tokenizer are made of the texts. `python trainers.py FOLDER`
prints the rows of every file, as pandas, polars and DuckDB count them.
"""

from __future__ import annotations

import json
import math
import sys
import tempfile
from pathlib import Path

import datasets

TEMPLATE = (
    "{% for message in messages %}{{ '<' + message['role'] + '>' }}"
    "{% if message['role'] == 'assistant' %}{% generation %}{{ message['content'] + '<end>' }}"
    "{% endgeneration %}{% else %}{{ message['content'] + '<end>' }}{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<assistant>' }}{% endif %}"
)
SPECIAL = ["<pad>", "<unk>", "<end>", "<system>", "<user>", "<assistant>"]
STEPS = 2


def tiny(rows: datasets.Dataset):
    """A model of some thousand weights, and a tokenizer of words and letters."""
    from tokenizers import Tokenizer, models, pre_tokenizers, trainers
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    base = Tokenizer(models.BPE(unk_token="<unk>"))
    base.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    from tokenizers import decoders

    base.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=600,
        special_tokens=SPECIAL,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
    )
    base.train_from_iterator(map(json.dumps, rows.select(range(min(50, len(rows))))), trainer)
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=base, pad_token="<pad>", unk_token="<unk>", eos_token="<end>"
    )
    tokenizer.add_special_tokens({"additional_special_tokens": SPECIAL[3:]})
    tokenizer.chat_template = TEMPLATE
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=16,
        intermediate_size=32,
        num_hidden_layers=1,
        num_attention_heads=2,
        num_key_value_heads=2,
        max_position_embeddings=4096,
        pad_token_id=tokenizer.pad_token_id,
        eos_token_id=tokenizer.eos_token_id,
    )
    made = tempfile.mkdtemp()
    LlamaForCausalLM(config).save_pretrained(made)  # trainers load it again, for reference
    return LlamaForCausalLM.from_pretrained(made), tokenizer


def options(folder: str) -> dict[str, object]:
    return {
        "output_dir": folder,
        "max_steps": STEPS,
        "per_device_train_batch_size": 2,
        "report_to": "none",
        "use_cpu": True,
        "save_strategy": "no",
        "logging_steps": 1,
        "bf16": False,
        "dataloader_pin_memory": False,
    }


def sft(rows: datasets.Dataset, folder: str) -> dict[str, object]:
    from trl import SFTConfig, SFTTrainer

    model, tokenizer = tiny(rows)
    settings = SFTConfig(**options(folder), assistant_only_loss=True, max_length=None)
    trainer = SFTTrainer(model, settings, train_dataset=rows, processing_class=tokenizer)
    prepared = trainer.train_dataset
    trained_on = []
    for one in prepared:
        trained_on.append(tokenizer.decode([label for label in one["labels"] if label != -100]))
    return done(trainer, prepared) | {"trained_on": trained_on}


def dpo(rows: datasets.Dataset, folder: str) -> dict[str, object]:
    from trl import DPOConfig, DPOTrainer

    model, tokenizer = tiny(rows)
    settings = DPOConfig(**options(folder), max_length=None)
    trainer = DPOTrainer(model, args=settings, train_dataset=rows, processing_class=tokenizer)
    return done(trainer, trainer.train_dataset)


def kto(rows: datasets.Dataset, folder: str) -> dict[str, object]:
    try:
        from trl import KTOConfig, KTOTrainer
    except ImportError:
        from trl.experimental.kto import KTOConfig, KTOTrainer

    model, tokenizer = tiny(rows)
    settings = KTOConfig(**options(folder), max_length=None)
    trainer = KTOTrainer(model, args=settings, train_dataset=rows, processing_class=tokenizer)
    return done(trainer, trainer.train_dataset)


def done(trainer, prepared) -> dict[str, object]:
    """Train, and say what came of it."""
    result = trainer.train()
    return {
        "prepared": len(prepared),
        "steps": result.global_step,
        "finite": math.isfinite(result.training_loss),
        "loss": result.training_loss,
    }


def read(folder: str) -> dict[str, object]:
    """Rows of every file by each library, and the columns that DuckDB takes unquoted."""
    import duckdb
    import pandas
    import polars

    found: dict[str, object] = {}
    for path in sorted(Path(folder).rglob("*.parquet")):
        frame = polars.read_parquet(path)
        names = ", ".join(frame.columns)
        selected = duckdb.sql(f"SELECT {names} FROM '{path}'").fetchall()
        counts = {len(pandas.read_parquet(path)), len(frame), len(selected)}
        (found[str(path.relative_to(folder))],) = counts
    return found


def main() -> None:
    """The libraries that read are imported by themselves: they are no part of the extra."""
    print(json.dumps(read(sys.argv[1])))


if __name__ == "__main__":
    main()
