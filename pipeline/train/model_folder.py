"""The model that is trained: where its files are, and how large it is, without loading it."""

from __future__ import annotations

import json
import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass, replace
from math import prod
from pathlib import Path
from typing import Any

from pipeline import UserError

HUB_NAME = re.compile(r"[\w.-]+(/[\w.-]+)?")
SMALL_FILES = ["*.json", "*.jinja", "*.txt", "*.model"]
WEIGHTS = ["*.safetensors", "*.bin"]
IN_LAYER = re.compile(r"\.(?:layers|h|blocks)\.\d+\.")


@dataclass(frozen=True)
class ModelShape:
    """How large a model is. parameters: of all weights. layers, hidden, vocabulary: of its config.
    context: tokens that it was made for. reach: of the matrices in its layers rows + columns,
    summed; LoRA has `rank` weights for each of them."""

    parameters: int
    layers: int
    hidden: int
    vocabulary: int
    context: int
    reach: int

    def lora(self, rank: int) -> int:
        """Weights of LoRA's matrices."""
        return rank * self.reach


@dataclass(frozen=True)
class ModelFolder:
    """name: as it was given. revision: of one on the Hub, its commit."""

    name: str
    folder: Path
    shape: ModelShape
    revision: str | None = None


def model_folder(name: str, weights: bool = True) -> ModelFolder:
    """The model in a folder, or of the Hub. weights: else only its small files are fetched.

    Raises UserError where there is none that transformers could load.
    """
    folder, revision = Path(name), None
    if not folder.is_dir():
        folder, revision = _from_hub(name, weights)
    config = folder / "config.json"
    try:
        values = json.loads(config.read_text("utf-8"))
        shape = _shape(folder, values.get("text_config") or values)
    except (OSError, ValueError, KeyError, AttributeError) as error:
        raise UserError(
            f"--model {name}: {config} cannot be read ({error!r}). It takes a folder with a model "
            "as `save_pretrained` writes it: config.json, *.safetensors, tokenizer.json."
        ) from None
    return ModelFolder(name, folder, shape, revision)


def _from_hub(name: str, weights: bool) -> tuple[Path, str | None]:
    """Its folder in the Hub's own cache, and its commit."""
    if not HUB_NAME.fullmatch(name):
        raise UserError(f"--model {name}: there is no such folder.")
    import huggingface_hub as hub

    patterns = [*SMALL_FILES, *WEIGHTS] if weights else SMALL_FILES
    try:
        folder = hub.snapshot_download(name, allow_patterns=patterns)
    except Exception as error:  # the library raises its own, the HTTP library's, and OSError
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise UserError(
            f"--model {name}: there is no such folder, and the Hub does not give it: {reason}"
        ) from None
    return Path(folder), Path(folder).name


def _shape(folder: Path, values: dict[str, Any]) -> ModelShape:
    found = ModelShape(
        parameters=0,
        layers=int(values["num_hidden_layers"]),
        hidden=int(values["hidden_size"]),
        vocabulary=int(values["vocab_size"]),
        context=int(values.get("max_position_embeddings") or 2048),
        reach=0,
    )
    tensors = list(_tensors(folder))
    if not tensors:
        return _usual(found, int(values.get("intermediate_size", 4 * found.hidden)))
    matrices = [size for name, size in tensors if len(size) == 2 and IN_LAYER.search(name)]
    parameters = sum(prod(size) for _, size in tensors)
    return replace(found, parameters=parameters, reach=sum(map(sum, matrices)))


def _usual(shape: ModelShape, inner: int) -> ModelShape:
    """The size by the config alone: a usual layer has four square matrices, and three between
    hidden and inner values."""
    hidden, layers = shape.hidden, shape.layers
    per_layer = 4 * hidden * hidden + 3 * hidden * inner
    parameters = shape.vocabulary * hidden + layers * per_layer
    return replace(shape, parameters=parameters, reach=layers * (8 * hidden + 3 * (hidden + inner)))


def _tensors(folder: Path) -> Iterator[tuple[str, list[int]]]:
    """Names and shapes of all weights: the head of each file lists them."""
    for path in sorted(folder.glob("*.safetensors")):
        with path.open("rb") as file:
            (size,) = struct.unpack("<Q", file.read(8))
            head = json.loads(file.read(size))
        for name, tensor in head.items():
            if name != "__metadata__":
                yield name, tensor["shape"]
