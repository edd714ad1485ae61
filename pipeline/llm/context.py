"""How many tokens a server takes at once, as it says itself.

There is no common place for it: vLLM, OpenRouter, Groq and llama.cpp write it into the list of
models, LM Studio and Ollama into a list of their own, which says how the model is loaded. Ollama
cuts what is longer in silence.
"""

from __future__ import annotations

from collections.abc import Iterator

from pipeline.llm.protocol import field_of

# in this order; `root` is the address without `/v1`
PLACES = (
    "{root}/props",  # llama.cpp
    "{root}/api/ps",  # Ollama
    "{root}/api/v0/models",  # LM Studio
    "{address}/models",  # vLLM, OpenRouter, Groq
    "{root}/model/info",  # LiteLLM
)
NAMES = (  # how it is loaded before what it could be
    "loaded_context_length",
    "n_ctx",
    "max_model_len",
    "context_length",
    "context_window",
    "max_input_tokens",
    "max_context_length",
)
_WITHIN = ("default_generation_settings", "meta", "model_info")


def length_in(answer: object, model: str) -> int | None:
    """The length that an answer gives for a model; None where it gives none."""
    for part in _parts(answer, model):
        for name in NAMES:
            length = field_of(part, name)
            if isinstance(length, int) and length > 0:
                return length
    return None


def _parts(answer: object, model: str) -> Iterator[object]:
    """The objects that may hold it."""
    entries = field_of(answer, "data") or field_of(answer, "models")
    entry = _entry_of(model, entries) if isinstance(entries, list) else answer
    yield entry
    for name in _WITHIN:
        yield field_of(entry, name)


def _entry_of(model: str, entries: list[object]) -> object:
    """What a list says of a model; of a list of one, that one: some servers know it as a file."""
    if len(entries) == 1:
        return entries[0]
    names = ("id", "name", "model", "model_name")
    named = [one for one in entries if model in {field_of(one, name) for name in names}]
    return named[0] if named else None
