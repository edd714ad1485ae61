"""Tiny models with tokenizers of their families, run in `.venv-train`: python tiny.py FAMILY FOLDER

FAMILY: gemma-3, qwen, llama-3. The tokenizer has the family's own tokens, and its real chat
template where TRL ships one. `base` behind it leaves the template out.
"""

from __future__ import annotations

import sys
from pathlib import Path

import trl
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import (
    Gemma3ForCausalLM,
    Gemma3TextConfig,
    LlamaConfig,
    LlamaForCausalLM,
    PreTrainedTokenizerFast,
    Qwen3Config,
    Qwen3ForCausalLM,
    set_seed,
)

TEXTS = [
    "Did I see you at the harbour around nine, carrying two jars of plums? You did, and I was",
    "Be kind. The bakery closes early now, so I had to run the last bit in the rain.",
    "Come over for soup then, I am hopeful and could use the company. You are Ada.",
]
FAMILIES = {
    "gemma-3": (
        Gemma3ForCausalLM,
        Gemma3TextConfig,
        ("<pad>", "<eos>", "<bos>", "<start_of_turn>", "<end_of_turn>"),
        "gemma3.jinja",
        {"bos": "<bos>", "eos": "<eos>", "pad": "<pad>"},
    ),
    "qwen": (
        Qwen3ForCausalLM,
        Qwen3Config,
        ("<|endoftext|>", "<|im_start|>", "<|im_end|>"),
        "qwen2_5.jinja",
        {"eos": "<|im_end|>", "pad": "<|endoftext|>"},
    ),
    "llama-3": (
        LlamaForCausalLM,
        LlamaConfig,
        (
            "<|begin_of_text|>",
            "<|end_of_text|>",
            "<|start_header_id|>",
            "<|end_header_id|>",
            "<|eot_id|>",
        ),
        "llama3.jinja",
        {"bos": "<|begin_of_text|>", "eos": "<|end_of_text|>"},
    ),
}


def tiny(family: str, folder: str, base: bool = False) -> None:
    """Write a model of some thousand weights, and its tokenizer."""
    kind, config, special, template, named = FAMILIES[family]
    tokenizer = _tokenizer(special, named)
    if not base:
        place = Path(trl.__file__).parent / "chat_templates" / template
        tokenizer.chat_template = place.read_text("utf-8")
    set_seed(0)
    made = kind(
        config(
            vocab_size=len(tokenizer),
            hidden_size=16,
            intermediate_size=32,
            num_hidden_layers=2,
            num_attention_heads=2,
            num_key_value_heads=2,
            head_dim=8,
            max_position_embeddings=2048,
            pad_token_id=tokenizer.pad_token_id,
            bos_token_id=tokenizer.bos_token_id,
            eos_token_id=tokenizer.eos_token_id,
        )
    )
    made.save_pretrained(folder)
    tokenizer.save_pretrained(folder)


def _tokenizer(special: tuple[str, ...], named: dict[str, str]) -> PreTrainedTokenizerFast:
    """Bytes, and words of our own texts."""
    base = Tokenizer(models.BPE())
    base.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    base.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=400, special_tokens=list(special), initial_alphabet=alphabet
    )
    base.train_from_iterator(TEXTS, trainer)
    tokens = {f"{name}_token": token for name, token in named.items()}
    return PreTrainedTokenizerFast(
        tokenizer_object=base, additional_special_tokens=list(special), **tokens
    )


if __name__ == "__main__":
    tiny(sys.argv[1], sys.argv[2], base="base" in sys.argv[3:])
