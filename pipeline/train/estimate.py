"""What a training will take, before it begins: steps, memory and time, by arithmetic.

weights       parameters × bytes of one
training      of what is trained: gradient, and the two means of Adam, four bytes each
activations   per token and layer 34 × hidden values of half the precision (Korthikanti et al.
              2022, without the attention map, which is never stored whole); with gradient
              checkpointing two values, and one layer whole
logits        tokens × vocabulary × 4 bytes, three times: as they are, in full precision, gradient
time          2 operations per weight and token forward; backward 2 more for activations and 2
              for gradients of weights; checkpointing runs forward twice
"""

from __future__ import annotations

import os
import time
from math import ceil
from pathlib import Path
from typing import NamedTuple

import numpy as np

from pipeline.train.model_folder import ModelShape
from pipeline.train.settings import Kind, TrainingSettings

GIB = 1 << 30
TRAINED_BYTES = 12  # of a weight that is trained: gradient, and Adam's two means
ACTIVATIONS, KEPT = 34, 2  # per token, layer and hidden value, in bytes of half precision
LOGITS = 3  # copies of the logits in full precision
# Share of the speed of plain matrix products that training reaches. Rough, from two machines: 26.6
# tokens a CPU-s with LoRA on 268 M weights, which is 28.5 GFLOP/s; products reached 16 to 75 on a
# busy one, and the best of five is taken.
REACHED = 0.38
SIZE = 512  # of the matrices whose product is timed
TRIES = 3


class Memory(NamedTuple):
    """Bytes, by what they hold. there: that are free; None where nobody says. checkpointed: with
    gradient checkpointing."""

    weights: int
    training: int
    activations: int
    logits: int
    there: int | None = None
    checkpointed: bool = False

    @property
    def needed(self) -> int:
        return self.weights + self.training + self.activations + self.logits

    @property
    def is_enough(self) -> bool:
        return self.there is None or self.needed <= self.there


class Device(NamedTuple):
    """What trains. bytes: of a weight. speed: operations a second that training reaches. memory:
    free bytes; None where nobody says."""

    name: str
    bytes: int
    speed: float
    memory: int | None


def steps(rows: int, settings: TrainingSettings) -> int:
    """Steps that the trainer makes of so many rows: it joins `batch / at_once` batches."""
    batches = ceil(rows / settings.at_once)
    of_epoch = ceil(batches * settings.at_once / settings.batch)
    return settings.steps or max(1, ceil(of_epoch * settings.epochs))


def memory(
    kind: Kind, shape: ModelShape, settings: TrainingSettings, longest: int, device: Device
) -> Memory:
    """What training needs: without gradient checkpointing, where that is enough. longest: tokens
    of a row."""
    trained = shape.lora(settings.rank) if settings.lora else shape.parameters
    compared = kind != "sft"  # two replies, and a model to compare with
    copies = 1 + (compared and not settings.lora)
    tokens = longest * settings.at_once * (1 + compared)
    values = tokens * shape.hidden * device.bytes // 2
    found = Memory(
        copies * shape.parameters * device.bytes,
        TRAINED_BYTES * trained,
        values * ACTIVATIONS * shape.layers,
        LOGITS * 4 * tokens * shape.vocabulary,
        device.memory,
    )
    if found.is_enough:
        return found
    kept = values * (KEPT * shape.layers + ACTIVATIONS)
    return found._replace(activations=kept, checkpointed=True)


def operations(
    kind: Kind, shape: ModelShape, settings: TrainingSettings, tokens: int, checkpointed: bool
) -> float:
    """Floating-point operations of training on so many tokens."""
    passes = 2 if settings.lora else 3  # forward, activations; and gradients of all weights
    passes += checkpointed
    passes += kind != "sft"  # forward once more, by the model to compare with
    return 2.0 * passes * shape.parameters * tokens


def cpu() -> Device:
    """This machine's processor, its speed measured with a matrix product on one core."""
    cores = os.cpu_count() or 1
    return Device("cpu", 4, REACHED * cores * _speed_of_a_core(), _free_memory())


def _speed_of_a_core() -> float:
    one = np.ones((SIZE, SIZE), np.float32)
    taken = []
    for _ in range(TRIES):
        start = time.perf_counter()
        one @ one
        taken.append(time.perf_counter() - start)
    return 2.0 * SIZE**3 / min(taken)


def _free_memory() -> int | None:
    """Bytes that Linux says are available; None on other systems."""
    try:
        text = Path("/proc/meminfo").read_text("utf-8")
        lines = dict(line.split(":") for line in text.splitlines())
        return int(lines["MemAvailable"].split()[0]) << 10
    except (OSError, KeyError, ValueError):
        return None
