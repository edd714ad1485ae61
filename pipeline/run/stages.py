"""The stages, in order: the one table from which runner, cache keys, plan, command line and help
are made.

To add a stage: its code, a row here, and its section of settings in `recipe/settings.py`.
This file is light: `rapport --help` reads it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import Any


@dataclass(frozen=True)
class Option:
    """An option of a stage's own command: a setting of the stage under its own name.

    kind: type of the value; bool for a switch, a tuple for a choice.
    """

    name: str
    kind: type | tuple[str, ...]
    help: str


@dataclass(frozen=True)
class Stage:
    """One step of the pipeline.

    summary, inputs: for the help of its command. step: "module:function" that runs it, given a
    `StageContext`; it may return what else its report says. reads: "module:function" of what it
    reads besides rows and settings, given the recipe. code: packages that it starts without
    importing them. texts: files below `configs/` that it reads, the
    last pattern that fits a file counts, `!` leaves out. packages: libraries whose version
    decides what comes out. adds: rows of its own.
    """

    name: str
    summary: str
    inputs: str
    step: str
    reads: str = ""
    code: tuple[str, ...] = ()
    texts: tuple[str, ...] = ()
    packages: tuple[str, ...] = ()
    options: tuple[Option, ...] = ()
    adds: bool = False

    @property
    def modules(self) -> tuple[str, ...]:
        """The modules and packages whose code makes the rows."""
        return (self.step.partition(":")[0], *self.code)


FILES = "INPUT: files of any known shape."
SOURCE_TEXTS = ("licenses.txt", "sources/*.yaml")
TALK_TEXTS = ("prompts/*", "!prompts/judge*", "personas/*", "memory/*", "rehearsal/*")
JUDGE_TEXTS = ("criteria.yaml", "prompts/judge*", "rehearsal/*")
PACING_WORDS = ("words/rebuffs-*.txt",)
SCORE_WORDS = (
    "words/emotion-*.txt",
    "words/intimate-*.txt",
    "words/empathy-*.txt",
    "words/praise-*.txt",
    "words/complaint-*.txt",
    *PACING_WORDS,
)
TALK_WORDS = ("words/declines-*.txt", "words/underage-*.txt", *PACING_WORDS)
RULE_PACKAGES = ("langdetect", "phonenumbers", "python-stdnum", "ahocorasick-rs", "rapidfuzz")
RULE_WORDS = ("words/*.txt", *(f"!{pattern}" for pattern in (*SCORE_WORDS, *TALK_WORDS)))

# What `score` does first, and keeps: ratings follow from it (`run/steps/measured.py`).
MEASURING = Stage(
    name="score",
    summary="Annotate messages and measure conversations.",
    inputs=FILES,
    step="pipeline.score.measure:measure",
    reads="pipeline.run.inputs:of_measuring",
    texts=(*RULE_WORDS, *SCORE_WORDS),
    packages=RULE_PACKAGES,
)

STAGES = (
    Stage(
        name="collect",
        summary="Read dialogue files of any known shape.",
        inputs="INPUT: files, folders, globs or fsspec addresses.",
        step="pipeline.run.steps.collect:run",
        reads="pipeline.run.inputs:of_collect",
        code=("spiders",),
        texts=SOURCE_TEXTS,
        packages=("scrapy", "datasets", "charset-normalizer"),
        adds=True,
    ),
    Stage(
        name="generate",
        summary="Invent characters and let two models talk.",
        inputs="INPUT: rows to pass on, if any.",
        step="pipeline.run.steps.generate:run",
        reads="pipeline.run.inputs:of_generate",
        texts=(*TALK_TEXTS, *RULE_WORDS, *TALK_WORDS, *SCORE_WORDS),
        packages=("openai", "rapidfuzz"),
        adds=True,
    ),
    Stage(
        name="filter",
        summary="Repair rows and drop those that are unfit.",
        inputs=FILES,
        step="pipeline.run.steps.filter:run",
        texts=RULE_WORDS,
        packages=(*RULE_PACKAGES, "ftfy"),
    ),
    Stage(
        name="dedup",
        summary="Drop duplicates.",
        inputs=FILES,
        step="pipeline.run.steps.dedup:run",
        reads="pipeline.run.inputs:of_dedup",
        texts=SOURCE_TEXTS,
        packages=("datasketch", "numba"),
        options=(
            Option("threshold", float, "Jaccard similarity of duplicates [default: 0.7]."),
            Option("only_report", bool, "Write the pairs, drop nothing."),
        ),
    ),
    Stage(
        name="score",
        summary="Rate conversations by criteria, and show why.",
        inputs=FILES,
        step="pipeline.run.steps.score:run",
        reads="pipeline.run.inputs:of_score",
        texts=(*JUDGE_TEXTS, *MEASURING.texts),
        packages=("openai", *MEASURING.packages),
    ),
    Stage(
        name="publish",
        summary="Split without leaks and write a dataset with its card.",
        inputs=FILES,
        step="pipeline.run.steps.publish:run",
        reads="pipeline.run.inputs:of_publish",
        texts=(*RULE_WORDS, "criteria.yaml", "publish/*"),
        packages=("pyarrow", "pillow"),
        options=(Option("layout", ("messages", "realm"), "realm: also characters."),),
    ),
)
NAMES = tuple(stage.name for stage in STAGES)


def function_of(name: str) -> Callable[..., Any]:
    """The function that a row of the table names as `module:function`."""
    module, _, function = name.partition(":")
    found: Callable[..., Any] = getattr(import_module(module), function)
    return found
