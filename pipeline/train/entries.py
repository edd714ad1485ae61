"""A published config as other trainers name it: in their configs, and on the dataset's card."""

from __future__ import annotations

TrainerEntry = dict[str, object]

TAGS = {
    "role_tag": "role",
    "content_tag": "content",
    "user_tag": "user",
    "assistant_tag": "assistant",
    "system_tag": "system",
}


def axolotl_dataset(address: str, config: str, split: str, kind: str) -> TrainerEntry:
    """An entry of Axolotl's `datasets`. kind: sft, dpo or kto."""
    found: TrainerEntry = {"path": address, "name": config, "split": split}
    if kind == "kto":
        return found
    if kind == "dpo":
        return found | {"type": "chat_template.default", "field_messages": "prompt"}
    found |= {
        "type": "chat_template",
        "field_messages": "messages",
        "message_property_mappings": {"role": "role", "content": "content"},
        "roles_to_train": ["assistant"],
        "train_on_eos": "turn",
    }
    if config == "noted":
        found["message_field_training"] = "train"
    return found


def llama_factory_dataset(address: str, config: str, split: str) -> TrainerEntry:
    """An entry of LLaMA-Factory's `dataset_info.json`, of a config with messages."""
    return {
        "hf_hub_url": address,
        "subset": config,
        "split": split,
        "formatting": "sharegpt",
        "columns": {"messages": "messages"},
        "tags": TAGS,
    }
