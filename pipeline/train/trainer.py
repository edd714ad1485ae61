"""The model and its trainer: TRL's, with peft's LoRA. Imports torch: only what trains imports it.

The trainer keeps checkpoints. One is whole when its `trainer_state.json` is, which is written last;
from the newest of these a killed training goes on with the same rows, in the same order.
"""

from __future__ import annotations

import json
import logging
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import datasets
import peft
import torch
import transformers
import trl

from pipeline import UserError
from pipeline.train import estimate
from pipeline.train.estimate import Device
from pipeline.train.model_folder import ModelFolder
from pipeline.train.prepared import REPLIES, PreparedRows
from pipeline.train.settings import Kind, TrainingSettings
from pipeline.train.templates import ChatTemplate
from pipeline.train.tokens import end_of_reply

STATE = "trainer_state.json"
KEPT = 2  # checkpoints: the newest may be cut short by a kill
SPREAD = 2  # LoRA's alpha / rank; peft's examples
WARMUP = 0.05  # share of the steps in which the learning rate rises; our choice
CONFIGS = {"sft": trl.SFTConfig, "dpo": trl.DPOConfig, "kto": trl.KTOConfig}
TRAINERS = {"sft": trl.SFTTrainer, "dpo": trl.DPOTrainer, "kto": trl.KTOTrainer}
APART = 1e-3  # logits that differ by less are the same but for rounding
GPU_TRIES, GPU_SIZE = 5, 4096  # of the matrix product that measures a GPU

OnStep = Callable[[int, int, float], None]  # step, all steps, loss


@dataclass(frozen=True)
class LoadedModel:
    """A model with the tokenizer that it is trained with."""

    model: Any
    tokenizer: Any


def quiet() -> None:
    """Progress is ours to show; what libraries say of themselves helps no user."""
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    datasets.disable_progress_bars()
    logging.getLogger("trl").setLevel(logging.ERROR)
    warnings.filterwarnings("ignore", module=r"(trl|peft|torch|transformers|accelerate)\b")


def device(lora: bool) -> Device:
    """What trains here: the GPU, where there is one. lora: are the model's own weights left as
    they are? Those that are trained need full precision."""
    if not torch.cuda.is_available():
        return estimate.cpu()
    free, _ = torch.cuda.mem_get_info()
    size = torch.finfo(_precision(lora)).bits // 8
    speed = estimate.REACHED * _speed_of_gpu()
    return Device(torch.cuda.get_device_name(), size, speed, free)


def _precision(lora: bool) -> torch.dtype:
    return torch.bfloat16 if lora and torch.cuda.is_available() else torch.float32


def _speed_of_gpu() -> float:
    one = torch.ones(GPU_SIZE, GPU_SIZE, dtype=torch.bfloat16, device="cuda")
    start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
    one @ one  # the first product also chooses how
    start.record()
    for _ in range(GPU_TRIES):
        one @ one
    end.record()
    torch.cuda.synchronize()
    seconds: float = start.elapsed_time(end) / 1000
    return 2.0 * GPU_SIZE**3 * GPU_TRIES / seconds


def tokenizer_of(model: ModelFolder, template: ChatTemplate) -> Any:
    """The tokenizer, which renders with the template. Raises UserError."""
    try:
        found = transformers.AutoTokenizer.from_pretrained(model.folder)
    except Exception as error:  # the library raises nothing narrower
        raise UserError(f"--model {model.name}: its tokenizer cannot be read: {error}") from None
    found.chat_template = template.text
    if found.pad_token is None:
        found.pad_token = found.eos_token
    return found


def load(model: ModelFolder, template: ChatTemplate, lora: bool) -> LoadedModel:
    """The model, which now knows what ends a reply. Raises UserError."""
    tokenizer = tokenizer_of(model, template)
    try:
        found = transformers.AutoModelForCausalLM.from_pretrained(
            model.folder, dtype=_precision(lora)
        )
    except Exception as error:  # the library raises nothing narrower
        raise UserError(f"--model {model.name} cannot be loaded: {error}") from None
    if torch.cuda.is_available():
        found.to("cuda")
    ends = {tokenizer.eos_token_id, end_of_reply(tokenizer)} - {None}
    found.generation_config.eos_token_id = sorted(ends)
    return LoadedModel(found, tokenizer)


def keeps_apart(loaded: LoadedModel) -> bool:
    """Does the model keep two conversations apart that are packed into one row of tokens? It is
    run on both ways."""
    first = torch.arange(5, 12, device=loaded.model.device)[None]
    second = torch.arange(6, 15, device=loaded.model.device)[None]
    places = [torch.arange(part.shape[1], device=part.device)[None] for part in (first, second)]
    loaded.model.eval()
    with torch.no_grad():
        apart = [loaded.model(part, use_cache=False).logits for part in (first, second)]
        packed = loaded.model(
            torch.cat([first, second], 1),
            position_ids=torch.cat(places, 1),
            use_cache=False,
        ).logits
    distance = (torch.cat(apart, 1) - packed).abs().max()
    return bool(distance < APART * packed.abs().max())


def packs(kind: Kind, loaded: LoadedModel, settings: TrainingSettings) -> bool:
    """Are conversations packed? Raises UserError where the settings ask for it in vain."""
    if settings.packing is None:
        return kind == "sft" and torch.cuda.is_available() and keeps_apart(loaded)
    if settings.packing and (kind != "sft" or not keeps_apart(loaded)):
        raise UserError(
            "packing=true: this training would let one conversation see another. Leave it out."
        )
    return settings.packing


@dataclass(frozen=True)
class TrainerOptions:
    """folder: of the checkpoints. packing, checkpointed: whether."""

    kind: Kind
    settings: TrainingSettings
    folder: Path
    packing: bool
    checkpointed: bool


def trainer(
    loaded: LoadedModel,
    rows: PreparedRows,
    held_out: PreparedRows,
    options: TrainerOptions,
    on_step: OnStep,
) -> Any:
    """TRL's trainer for one kind of training."""
    transformers.set_seed(options.settings.seed)
    made = TRAINERS[options.kind](
        loaded.model,
        args=CONFIGS[options.kind](**_arguments(options)),
        train_dataset=_dataset(rows.rows),
        eval_dataset=_dataset(held_out.rows) if held_out.rows else None,
        processing_class=loaded.tokenizer,
        peft_config=_lora(options.settings),
    )
    made.remove_callback(transformers.PrinterCallback)
    made.add_callback(_Reporter(on_step))
    for name in ("train_dataset", "eval_dataset"):
        if options.kind != "sft" and getattr(made, name) is not None:
            setattr(made, name, _without_blanks(getattr(made, name), loaded, options.kind))
    return made


def _dataset(rows: Sequence[Mapping[str, Any]]) -> datasets.Dataset:
    return datasets.Dataset.from_list(list(map(dict, rows)))


def _lora(settings: TrainingSettings) -> peft.LoraConfig | None:
    if not settings.lora:
        return None
    return peft.LoraConfig(
        r=settings.rank,
        lora_alpha=SPREAD * settings.rank,
        lora_dropout=0.0,
        target_modules="all-linear",
        task_type="CAUSAL_LM",
    )


def _arguments(options: TrainerOptions) -> dict[str, object]:
    settings, has_gpu = options.settings, torch.cuda.is_available()
    found: dict[str, object] = {
        "output_dir": str(options.folder),
        "per_device_train_batch_size": settings.at_once,
        "per_device_eval_batch_size": settings.at_once,
        "gradient_accumulation_steps": settings.batch // settings.at_once,
        "num_train_epochs": settings.epochs,
        "max_steps": settings.steps or -1,
        "learning_rate": settings.rate_of(options.kind),
        "warmup_steps": WARMUP,
        "logging_steps": 1,
        "save_steps": settings.checkpoint,
        "save_total_limit": KEPT,
        "seed": settings.seed,
        "bf16": has_gpu,
        "use_cpu": not has_gpu,
        "dataloader_pin_memory": has_gpu,
        "gradient_checkpointing": options.checkpointed,
        "max_length": None,
        "report_to": "none",
        "disable_tqdm": True,
    }
    if options.kind == "sft" and options.packing:
        found |= {"packing": True, "max_length": settings.length}
    return found


def _without_blanks(rows: datasets.Dataset, loaded: LoadedModel, kind: Kind) -> datasets.Dataset:
    """Replies without the blanks that a template puts behind their end, which nobody generates."""
    names = [f"{name}_ids" for name in (*REPLIES[kind], "KL_completion")]

    def shorter(row: dict[str, Any]) -> dict[str, Any]:
        return {name: _stripped(row[name], loaded.tokenizer) for name in names if name in row}

    return rows.map(shorter)


def _stripped(ids: list[int], tokenizer: Any) -> list[int]:
    end = len(ids)
    while end > 1 and not tokenizer.decode(ids[end - 1 : end]).strip():
        end -= 1
    return ids[:end]


class _Reporter(transformers.TrainerCallback):  # type: ignore[misc]
    """Reports each step."""

    def __init__(self, on_step: OnStep) -> None:
        self._on_step = on_step

    def on_log(self, _args: Any, state: Any, _control: Any, logs: Any = None, **_: Any) -> None:
        if logs and "loss" in logs:
            self._on_step(state.global_step, state.max_steps, float(logs["loss"]))


def newest(folder: Path) -> Path | None:
    """The newest checkpoint that is whole; None where there is none."""
    whole = [path for path in folder.glob("checkpoint-*") if _state(path)]
    return max(whole, key=lambda path: int(path.name.rpartition("-")[2]), default=None)


def _state(checkpoint: Path) -> dict[str, Any] | None:
    try:
        found: dict[str, Any] = json.loads((checkpoint / STATE).read_text("utf-8"))
    except (OSError, ValueError):
        return None
    return found


def history(folder: Path) -> list[tuple[int, float]]:
    """Step and loss of each step, from the newest checkpoint."""
    path = newest(folder)
    state = (path and _state(path)) or {"log_history": []}
    return [(one["step"], one["loss"]) for one in state["log_history"] if "loss" in one]
